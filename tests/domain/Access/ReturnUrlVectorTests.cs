using System.Text.Json;
using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

/// <summary>
/// Open redirects that were found in other gateways, each with the verdict of a browser's own URL parser. The file's list
/// of allowed hosts is written in oauth2-proxy's way, in which <c>.a</c> and <c>*.a</c> both include <c>a</c>.
/// </summary>
public sealed class ReturnUrlVectorTests
{
    [VectorFact]
    public void Nothing_that_must_be_refused_is_accepted()
    {
        var rows = Rows("reject");
        var hosts = HostsOn("https");
        var wrong = rows.Where(r => ReturnUrl.TryParse(r.Payload, hosts, out _)).ToList();

        Assert.NotEmpty(rows);
        Assert.Empty(wrong);
    }

    // Reached by http we accept http as well: what is refused then is refused for its host or its form.
    [VectorFact]
    public void Nothing_that_must_be_refused_is_accepted_over_http()
    {
        var rows = Rows("reject");
        var hosts = HostsOn("http");
        var wrong = rows.Where(r => ReturnUrl.TryParse(r.Payload, hosts, out _)).ToList();

        Assert.NotEmpty(rows);
        Assert.Empty(wrong);
    }

    [VectorFact]
    public void Everything_that_must_be_accepted_is_honoured_byte_for_byte()
    {
        var rows = Rows("accept");
        var hosts = HostsOn("http");
        var wrong = rows.Where(r => !(ReturnUrl.TryParse(r.Payload, hosts, out var url) && url.Value == r.Payload)).ToList();

        Assert.NotEmpty(rows);
        Assert.Empty(wrong);
    }

    [VectorFact]
    public void What_may_go_either_way_stays_on_an_allowed_origin_if_it_is_accepted()
    {
        var rows = Rows("either");
        var hosts = HostsOn("https");
        var wrong = rows.Where(r => ReturnUrl.TryParse(r.Payload, hosts, out _) && !r.StaysAllowed).ToList();

        Assert.NotEmpty(rows);
        Assert.Empty(wrong);
    }

    private static List<Row> Rows(string verdict) =>
        [.. Cases().Select(Row.Of).Where(r => r.Verdict == verdict)];

    private static JsonElement.ArrayEnumerator Cases() => Document().GetProperty("cases").EnumerateArray();

    private static JsonElement Document() => JsonDocument.Parse(VectorFactAttribute.Read("redirect-payloads.json")).RootElement;

    private static ReturnHosts HostsOn(string scheme)
    {
        var about = Document().GetProperty("_about");
        var self = new UriBuilder(about.GetProperty("self_origin").GetString()!) { Scheme = scheme, Port = -1 };
        var allowed = about.GetProperty("allowlist_for_table_rows").EnumerateArray().Select(e => e.GetString()!);
        return new ReturnHosts(self.Uri, allowed.SelectMany(Hosts));
    }

    private static IEnumerable<string> Hosts(string entry)
    {
        var name = entry.TrimStart('*').TrimStart('.');
        string[] forms = name == entry ? [name] : [name, $"*.{name}"];

        // We have no "any port": the ports its rows use stand for it.
        return name.EndsWith(":*", StringComparison.Ordinal)
            ? forms.SelectMany(f => PortsOfAcceptedRows().Select(p => $"{f[..^2]}:{p}"))
            : forms;
    }

    private static int[] PortsOfAcceptedRows() =>
        [.. Rows("accept").Where(r => r.Payload[0] != '/').Select(r => new Uri(r.Payload).Port).Distinct()];

    private sealed record Row(string Id, string Payload, string Verdict, string Browser)
    {
        public bool StaysAllowed => Browser == "same-origin" || Browser.StartsWith("allowlisted:", StringComparison.Ordinal);

        public static Row Of(JsonElement row) => new(
            row.GetProperty("id").GetString()!,
            row.TryGetProperty("payload", out var payload)
                ? payload.GetString()!
                : Generate(row.GetProperty("payload_generator").GetString()!),
            row.GetProperty("expected").GetString()!,
            row.GetProperty("browser").GetString()!);

        private static string Generate(string generator) => generator switch
        {
            "\"/\" + \"a\"*9000" => "/" + new string('a', 9000),
            _ => throw new InvalidOperationException($"cannot generate {generator}"),
        };
    }
}
