namespace EventAuth.Domain.Tests.Access;

/// <summary>A test over a file of known attacks, which lies outside this repository: skipped at home, never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VectorFactAttribute : FactAttribute
{
    public const string Variable = "EVENTAUTH_VECTORS";

    public VectorFactAttribute()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable))
            && Environment.GetEnvironmentVariable("CI") != "true")
        {
            Skip = $"{Variable} does not name the folder of the vectors";
        }
    }

    /// <summary>The text of a file; throws, so that the test fails, when there is none.</summary>
    public static string Read(string file)
    {
        var folder = Environment.GetEnvironmentVariable(Variable);
        return string.IsNullOrEmpty(folder)
            ? throw new InvalidOperationException($"{Variable} has to name the folder of the vectors when CI=true")
            : File.ReadAllText(Path.Combine(folder, file));
    }
}
