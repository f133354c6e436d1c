using System.Text.Json;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>The signed tokens with expected answers: from <c>EVENTAUTH_VECTORS</c>, else the copy beside the tests.</summary>
internal static class Vectors
{
    private const string Variable = "EVENTAUTH_VECTORS";

    public static JsonElement Read(string file) => JsonDocument.Parse(File.ReadAllText(PathOf(file))).RootElement;

    public static TheoryData<string> Ids(string file)
    {
        var ids = Read(file).GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("id").GetString()!).ToList();

        // A file that lost its cases must not look like success.
        return ids.Count > 0 ? new TheoryData<string>(ids) : throw new InvalidDataException($"{file} holds no cases");
    }

    public static JsonElement Case(JsonElement file, string id) =>
        file.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);

    public static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var member) ? member.GetString() : null;

    private static string PathOf(string file)
    {
        var folder = Environment.GetEnvironmentVariable(Variable);
        return string.IsNullOrEmpty(folder)
            ? Path.Combine(AppContext.BaseDirectory, "Oidc", "vectors", file)
            : new[] { Path.Combine(folder, "own", file), Path.Combine(folder, "vectors", "own", file), Path.Combine(folder, file) }
                .FirstOrDefault(File.Exists) ?? throw new FileNotFoundException($"{Variable} is set but has no {file}");
    }
}
