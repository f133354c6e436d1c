namespace EventAuth.Services.Tests.Oidc;

/// <summary>Files of the fuzzing corpus below the folder that <c>EVENTAUTH_VECTORS</c> names.</summary>
internal static class Corpus
{
    private const string Name = "mod_auth_openidc-corpus";

    public static string? Folder { get; } = Find();

    /// <summary>Every file of these sub-folders; at least one, or it throws.</summary>
    public static IReadOnlyList<(string Name, byte[] Bytes)> Read(params string[] folders)
    {
        if (Folder is null)
        {
            return [];
        }

        List<(string, byte[])> files =
            [.. folders.SelectMany(f => Directory.GetFiles(Path.Combine(Folder, f))).Order(StringComparer.Ordinal).Select(f => (f[(Folder.Length + 1)..], File.ReadAllBytes(f)))];
        return files.Count > 0 ? files : throw new InvalidDataException($"{Folder} holds no files in {string.Join(", ", folders)}");
    }

    private static string? Find()
    {
        var root = Environment.GetEnvironmentVariable("EVENTAUTH_VECTORS") ?? "";
        return root.Length == 0 ? null : new[] { Path.Combine(root, Name), Path.Combine(root, "vectors", Name) }.FirstOrDefault(Directory.Exists);
    }
}
