namespace EventAuth.Domain.Tests;

/// <summary>Finds the repository, for tests that read its files.</summary>
internal static class Tree
{
    public static readonly string Root = Find();

    // Not [CallerFilePath]: a deterministic build maps source paths away.
    private static string Find()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "EventAuth.sln")))
        {
            at = at.Parent ?? throw new InvalidOperationException("EventAuth.sln is not above the tests");
        }

        return at.FullName;
    }
}
