using EventAuth.Adapters.Settings;
using EventAuth.Vectors.Files;
using EventAuth.Vectors.Suites;
using EventAuth.Vectors.Worlds;

namespace EventAuth.Vectors;

/// <summary>Runs vector files through the services as they are.</summary>
internal static class VectorRun
{
    private const string NoReceiver = "not applicable yet: there is no receiver of security event tokens (SSF push, RFC 8935)";

    /// <summary>Everything in the files that the paths stand for.</summary>
    /// <param name="postgres">A server on which databases may be made.</param>
    public static async Task<Report> RunAsync(IReadOnlyList<string> paths, string postgres, TextWriter output, CancellationToken ct)
    {
        var report = new Report(output);
        var files = paths.SelectMany(VectorFile.Find).Distinct().ToList();
        if (files.Count == 0)
        {
            report.Judge(string.Join(' ', paths), "(folder)", "vector files", ["none"]);
        }

        using var calls = new OutgoingCalls();
        foreach (var path in files)
        {
            await RunAsync(path, new Opening(report, postgres, calls, ct));
        }

        return report;
    }

    private static async Task RunAsync(string path, Opening open)
    {
        var name = Path.GetFileName(path);
        try
        {
            var file = VectorFile.Read(path);
            var scope = new Scope(file, open.Report, open.Postgres, open.Calls, open.Ct);
            await (file.Kind switch
            {
                VectorKind.LogoutTokens => new LogoutTokens(scope).RunAsync(),
                VectorKind.IdTokens => new IdTokens(scope).RunAsync(),
                VectorKind.BearerTokens => new BearerTokens(scope).RunAsync(),
                VectorKind.Redirects => new Redirects(scope).RunAsync(),
                VectorKind.SecurityEvents => SkipAsync(scope),
                _ => throw new InvalidDataException("the cases are of no kind that is known"),
            });
        }
        catch (InvalidDataException e)
        {
            open.Report.Judge(name, "(file)", "a vector file", [e.Message]);
        }
        catch (SettingsException e)
        {
            open.Report.Judge(name, "(file)", "services that can be set up for it", e.Errors);
        }
    }

    private static Task SkipAsync(Scope scope)
    {
        scope.Report.Note(scope.File.Name, $"{scope.File.Cases.Count} cases {NoReceiver}");
        return Task.CompletedTask;
    }

    private sealed record Opening(Report Report, string Postgres, OutgoingCalls Calls, CancellationToken Ct);
}
