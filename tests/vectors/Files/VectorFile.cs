using System.Text.Json;

namespace EventAuth.Vectors.Files;

/// <summary>What a file is about, told from its cases: names may differ.</summary>
internal enum VectorKind
{
    Unknown = 0,
    LogoutTokens,
    IdTokens,
    BearerTokens,
    SecurityEvents,
    Redirects,
}

/// <summary>A file of cases with expected answers.</summary>
internal sealed class VectorFile
{
    private VectorFile(string name, JsonElement root)
    {
        Name = name;
        Root = new Members(root);
        About = Root.Object("_about") ?? Root;
        Cases = Array(root, "cases");
        _ = Root.Has("cases");
        Kind = KindOf(Cases.Concat(Array(root, "http_cases")).FirstOrDefault());
    }

    public string Name { get; }

    public VectorKind Kind { get; }

    public Members Root { get; }

    public Members About { get; }

    public IReadOnlyList<JsonElement> Cases { get; }

    /// <summary>The moment at which the expected answers are right.</summary>
    public DateTimeOffset Clock => DateTimeOffset.FromUnixTimeSeconds(About.Number("clock") ?? 0);

    public IReadOnlyList<JsonElement> List(string name)
    {
        _ = Root.Has(name);
        return Array(Root.Raw, name);
    }

    /// <summary>A key set of the file by its name; null when there is none.</summary>
    public string? KeySet(string name) => Root.Has(name) ? Root.Raw.GetProperty(name).GetRawText() : null;

    /// <exception cref="InvalidDataException">It is no vector file.</exception>
    public static VectorFile Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(path));
            var root = document.RootElement.Clone();
            return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("cases", out _)
                ? new VectorFile(Path.GetFileName(path), root)
                : throw new InvalidDataException($"{path} holds no object with cases");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path}: {e.Message}");
        }
    }

    /// <summary>
    /// The files that a path stands for: a file, or a folder's files and the redirect payloads in it, its parent or
    /// grandparent. A folder without any of its own stands for its <c>own</c> or <c>vectors/own</c>.
    /// </summary>
    public static IReadOnlyList<string> Find(string path)
    {
        if (File.Exists(path))
        {
            return [Path.GetFullPath(path)];
        }

        var here = new DirectoryInfo(path);
        var inner = new[] { Path.Combine(path, "own"), Path.Combine(path, "vectors", "own") }.FirstOrDefault(Directory.Exists);
        var folder = inner is not null && !here.EnumerateFiles("*-vectors.json").Any() ? new DirectoryInfo(inner) : here;
        var redirects = new[] { folder, folder.Parent, folder.Parent?.Parent }
            .Select(d => d is null ? null : Path.Combine(d.FullName, "redirect-payloads.json")).FirstOrDefault(File.Exists);
        return [.. folder.EnumerateFiles("*.json").Select(f => f.FullName).Append(redirects).OfType<string>().Distinct().Order(StringComparer.Ordinal)];
    }

    private static IReadOnlyList<JsonElement> Array(JsonElement root, string name) =>
        root.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()] : [];

    private static VectorKind KindOf(JsonElement first)
    {
        bool Has(string name) => first.ValueKind == JsonValueKind.Object
            && (first.TryGetProperty(name, out _) || first.TryGetProperty(name + "_generator", out _));
        return true switch
        {
            _ when Has("payload") => VectorKind.Redirects,
            _ when Has("id_token") => VectorKind.IdTokens,
            _ when Has("content_type") && Has("body") => VectorKind.SecurityEvents,
            _ when Has("token") || Has("request") => VectorKind.LogoutTokens,
            _ when Has("authorization") => VectorKind.BearerTokens,
            _ => VectorKind.Unknown,
        };
    }
}
