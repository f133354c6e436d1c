namespace EventAuth.Services.Tests.Harness;

/// <summary>A test over collected attacks, which lie outside this repository: skipped at home, never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VectorFactAttribute : FactAttribute
{
    private const string Variable = "EVENTAUTH_VECTORS";

    /// <param name="needsStore">It needs Postgres too.</param>
    public VectorFactAttribute(bool needsStore = false)
    {
        if (needsStore && !TestStore.IsConfigured)
        {
            Skip = "EVENTAUTH_TEST_POSTGRES names no server (tests/run starts one)";
        }
        else if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)) && Environment.GetEnvironmentVariable("CI") != "true")
        {
            Skip = $"{Variable} does not name the folder of the vectors";
        }
    }

    /// <summary>A folder of the collection; throws, so that the test fails, when there is none.</summary>
    public static string Folder(string name)
    {
        var root = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(root))
        {
            throw new InvalidOperationException($"{Variable} has to name the folder of the vectors when CI=true");
        }

        return new[] { Path.Combine(root, "vectors", name), Path.Combine(root, name) }.FirstOrDefault(Directory.Exists)
            ?? throw new DirectoryNotFoundException($"{Variable} is set but has no {name}");
    }
}
