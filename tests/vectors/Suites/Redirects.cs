using EventAuth.Gateway;
using EventAuth.StubIdp;
using EventAuth.Vectors.Worlds;

namespace EventAuth.Vectors.Suites;

/// <summary>
/// Where a browser lands that was given a hostile address to return to: as <c>rd</c> of the login page, signed in or not, and
/// as the address that a proxy asks about. Judged by the last <c>Location</c> of the whole sign-in.
/// </summary>
internal sealed class Redirects(Scope scope)
{
    private const int Parallel = 4;

    public async Task RunAsync()
    {
        var about = scope.File.About.Ignore("expected", "oracle", "licences", "counts", "total", "skipped_undecodable");
        var self = new Uri(about.Text("self_origin") ?? "https://app.example.org");
        var allowed = about.Texts("allowlist_for_table_rows");
        var rows = scope.File.Cases.Select(RedirectRow.Of).ToList();
        await using var store = await VectorStore.CreateAsync(scope.Postgres, TimeProvider.System.GetUtcNow());
        await using var idp = await StubProvider.StartAsync();
        idp.SignInAs(new StubUser("alice"));

        // By https no http is let through; by http whatever is refused is refused for its host or form. Ports are those of our
        // own address: a row that expects another one to be honoured is asked where it is ours.
        var verdicts = new Dictionary<RedirectRow, List<string>>(rows.Select(r => KeyValuePair.Create(r, new List<string>())));
        await AskAsync(rows, self, allowed, store, idp, verdicts);
        var elsewhere = rows.Where(r => r is { Expected: "reject", IsPath: false } || r.Needs(self) is not null);
        foreach (var group in elsewhere.GroupBy(r => r.Expected == "reject" ? WithScheme(self, "http") : r.Needs(self)!))
        {
            await AskAsync([.. group], group.Key, allowed, store, idp, verdicts);
        }

        foreach (var row in rows)
        {
            scope.Judge(row.Vector, row.Id, $"{row.Expected} {Shown(row.Payload)}", verdicts[row].Distinct());
        }

        scope.JudgeHead();
        var unsendable = rows.Count(r => r.IsPath && !r.FitsHeader);
        scope.Report.Sum(scope.File.Name, $"{rows.Count} addresses to return to ({rows.Count(r => r.FitsHeader && r.IsForProxies)} as X-Forwarded-Uri too"
            + (unsendable > 0 ? $"; {unsendable} more hold line breaks, which no header can)" : ")"));
    }

    private async Task AskAsync(
        IReadOnlyList<RedirectRow> rows, Uri self, IReadOnlyList<string> allowed, VectorStore store, StubProvider idp,
        Dictionary<RedirectRow, List<string>> verdicts)
    {
        await using var gateway = await StartAsync(self, allowed, store, idp);
        var journey = new RedirectJourney(gateway, self, idp.Issuer, scope.Ct);
        await journey.SignInAsync();
        await System.Threading.Tasks.Parallel.ForEachAsync(rows, new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = scope.Ct }, async (row, _) =>
        {
            // A row that expects more than this address can give is asked elsewhere.
            if (row.Needs(self) is null)
            {
                var against = await journey.DifferencesAsync(row);
                verdicts[row].AddRange(against);
            }
        });
        _ = scope.Calls.Take();
    }

    private async Task<VectorService> StartAsync(Uri self, IReadOnlyList<string> allowed, VectorStore store, StubProvider idp)
    {
        var settings = new Dictionary<string, string>
        {
            ["publicUrl"] = WithScheme(self, "https").ToString(),
            ["providers.0.issuer"] = idp.Issuer,
            ["providers.0.clientId"] = idp.Options.ClientId,
            ["providers.0.clientSecret"] = idp.Options.ClientSecret,
        };
        foreach (var (i, host) in allowed.SelectMany(a => HostsOf(a, self.Port)).Append(self.Host).Distinct().Index())
        {
            settings[$"rules.{i}.host"] = host;
            settings[$"rules.{i}.access"] = "authenticated";
        }

        // The settings allow http on this machine only; here the names of the file have to be ours.
        return await VectorService.StartAsync(scope.Calls, store, settings, TimeProvider.System, GatewayHost.Build, s => s with
        {
            PublicUrl = self,
            Session = s.Session with { CookieName = self.Scheme == "https" ? s.Session.CookieName : "eventauth" },
        });
    }

    // oauth2-proxy's way of writing: ".a" and "*.a" both include a. Our rules name no ports, so an entry of another port than
    // our own address has is not ours here.
    private static string[] HostsOf(string entry, int port)
    {
        var parts = entry.Split(':', 2);
        var name = parts[0].TrimStart('*').TrimStart('.');
        var fits = parts is [_] or [_, "*"] || parts[1] == $"{port}";
        return !fits ? [] : name == parts[0] ? [name] : [name, $"*.{name}"];
    }

    private static Uri WithScheme(Uri url, string scheme) => new UriBuilder(url) { Scheme = scheme, Port = url.IsDefaultPort ? -1 : url.Port }.Uri;

    private static string Shown(string payload) => payload.Length <= 100 ? payload : payload[..100] + "…";
}
