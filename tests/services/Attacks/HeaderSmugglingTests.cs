using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>
/// A visitor of low privilege sends headers that the proxy, the gateway or the application may take for the proxy's own. On
/// the wire, since client libraries would put most of them right. Whatever is answered, the application is told of the
/// visitor himself or the request is refused.
/// </summary>
public sealed class HeaderSmugglingTests(SignedInFixture setup) : IClassFixture<SignedInFixture>
{
    // CVE-2026-39858, CVE-2025-64484, CVE-2026-54763, CVE-2026-88011: CGI, WSGI and PHP turn '_' and '.' into one and the
    // same, so the client's look-alike arrives beside the proxy's header, or in its place.
    [StoreTheory]
    [InlineData("X_Forwarded_Proto")]
    [InlineData("X_Forwarded_Host")]
    [InlineData("X_Forwarded_Uri")]
    [InlineData("X_Forwarded_For")]
    [InlineData("X_Forwarded_Method")]
    [InlineData("X_Forwarded_Prefix")]
    [InlineData("X_Forwarded_Port")]
    [InlineData("X_Forwarded_Server")]
    [InlineData("X_Forwarded_User")]
    [InlineData("X-Forwarded_User")]
    [InlineData("x_forwarded-USER")]
    [InlineData("X_Auth_Request_User")]
    [InlineData("Remote_User")]
    [InlineData("X_User")]
    [InlineData("X.Forwarded.User")]
    [InlineData("X-Forwarded.User")]
    [InlineData("X~Forwarded~User")]
    public async Task TH1_TH2_TH3_a_look_alike_is_refused(string name)
    {
        foreach (var question in new[] { setup.Bob, SignedInFixture.Nobody with { Uri = "/public/a" } })
        {
            var answer = await Ask(question with { Lines = [$"{name}: evil"] });

            Assert.Equal(400, answer.Status);
            Assert.Contains("header-alias", answer.Text, StringComparison.Ordinal);
        }
    }

    [StoreFact]
    public async Task TH2_TH3_no_header_of_ours_has_a_look_alike_that_passes()
    {
        foreach (var name in IdentityHeaders.All.SelectMany(n => new[] { n.Replace('-', '_'), n.Replace('-', '.'), n.ToLowerInvariant().Replace('-', '_') }))
        {
            Assert.Equal(400, (await Ask(setup.Bob with { Lines = [$"{name}: evil"] })).Status);
        }
    }

    // Proxies replace the exact name whatever its case and however often it came: the answer has to carry each header, once.
    [StoreTheory]
    [InlineData("another case", "x-forwarded-USER: evil")]
    [InlineData("two lines", "X-Forwarded-User: evil\r\nX-Forwarded-User: evil2")]
    [InlineData("two lines, one empty", "X-Forwarded-User: evil\r\nX-Forwarded-User:")]
    [InlineData("the headers of every proxy", "X-Auth-Request-User: evil\r\nX-User-Roles: evil\r\nX-Forwarded-User-Groups: evil")]
    public async Task TH4_what_a_client_says_under_our_names_is_answered_with_the_truth(string sentence, string lines)
    {
        var answer = await Ask(setup.Bob with { Lines = [lines] });

        Assert.True(answer.Allows, sentence);
        SignedInFixture.AssertBobAndNobodyElse(answer);
    }

    // Where one reader takes a line for a header of ours and another does not, the second one's blindness is the way in.
    [StoreTheory]
    [InlineData("a space before the colon", "X-Forwarded-User : evil")]
    [InlineData("a tab before the colon", "X-Forwarded-User\t: evil")]
    [InlineData("a space before the name", " X-Forwarded-User: evil")]
    [InlineData("a tab before the name", "\tX-Forwarded-User: evil")]
    [InlineData("a folded value", "X-Custom: a\r\n\tX-Forwarded-User: evil")]
    [InlineData("a folded value with a space", "X-Forwarded-Uri: /public/a\r\n /x")]
    [InlineData("a NUL behind the name", "X-Forwarded-User\0: evil")]
    [InlineData("a NUL in the value", "X-Forwarded-User: e\0vil")]
    [InlineData("a vertical tab in the name", "X-Forwarded\v-User: evil")]
    [InlineData("a Cyrillic letter that looks like ours", "X-F\u00d0\u00berwarded-User: evil")]
    [InlineData("a full-width hyphen", "X\u00ef\u00bc\u008dForwarded-User: evil")]
    [InlineData("no colon", "X-Forwarded-User evil")]
    [InlineData("no name", ": evil")]
    [InlineData("a carriage return alone", "X-Custom: a\rX-Forwarded-User: evil")]
    [InlineData("a delimiter in the name", "X-Forwarded-User(: evil")]
    public async Task TH4_a_line_that_is_no_header_ends_the_request(string sentence, string line)
    {
        var answer = await Ask(setup.Bob with { Lines = [line] });

        Assert.True(answer.Status is 400 or 0, $"{sentence}: {answer.Text}");
    }

    // CVE-2024-45410, CVE-2026-29054: what Connection names is hop-by-hop. A proxy that obeys the client takes its own headers
    // off; the gateway obeys nobody, and refuses what is then missing.
    [StoreTheory]
    [InlineData("Connection: close, X-Forwarded-User")]
    [InlineData("connection: close, x-forwarded-host")]
    [InlineData("Connection: close, X-Forwarded-Uri, X-Forwarded-Host, X-Forwarded-Proto, Authorization, Cookie")]
    public async Task TH5_naming_a_header_as_hop_by_hop_takes_nothing_away(string connection) =>
        SignedInFixture.AssertBobAndNobodyElse(await Ask(setup.Bob with { Connection = connection }));

    [StoreFact]
    public async Task TH5_what_a_proxy_must_say_is_there_exactly_once()
    {
        RawQuestion[] wrong =
        [
            setup.Bob with { Method = null }, setup.Bob with { Proto = null }, setup.Bob with { Host = null }, setup.Bob with { Uri = null },
            setup.Bob with { Method = "" }, setup.Bob with { Proto = "" }, setup.Bob with { Host = "" }, setup.Bob with { Uri = "" },
            .. new[] { "Method: GET", "Proto: http", $"Host: {World.Host}", "Uri: /x", "Uri: /public/a" }
                .Select(l => setup.Bob with { Lines = [$"X-Forwarded-{l}"] }),
            setup.Bob with { Lines = ["X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2"] },
        ];
        foreach (var question in wrong)
        {
            Assert.Equal(400, (await Ask(question)).Status);
        }

        SignedInFixture.AssertBobAndNobodyElse(await Ask(setup.Bob with { Lines = ["X-Forwarded-For: 10.0.0.1, 10.0.0.2"] }));
    }

    // CVE-2026-35051, CVE-2026-54764, CVE-2024-52003 and other families' headers: none of them says where a request goes.
    [StoreTheory]
    [InlineData("X-Forwarded-Prefix: /public")]
    [InlineData("X-Forwarded-Port: 1")]
    [InlineData("X-Forwarded-Scheme: https")]
    [InlineData("X-Forwarded-Ssl: on")]
    [InlineData("Front-End-Https: on")]
    [InlineData("X-Original-URL: /public/a")]
    [InlineData("X-Original-URI: /public/a")]
    [InlineData("X-Original-Method: OPTIONS")]
    [InlineData("X-Rewrite-URL: /public/a")]
    [InlineData("X-Http-Method-Override: OPTIONS")]
    [InlineData("X-HTTP-Method: GET")]
    [InlineData("X-Method-Override: GET")]
    [InlineData("X-Forwarded-Path: /public/a")]
    [InlineData("Forwarded: for=127.0.0.1;host=evil;proto=https")]
    [InlineData("X-Real-Ip: 127.0.0.1")]
    [InlineData("X-Host: evil")]
    [InlineData("X-Forwarded-Server: evil")]
    [InlineData("Range: bytes=0-0")]
    [InlineData("If-None-Match: *")]
    [InlineData("If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT")]
    [InlineData("Expect: 100-continue")]
    [InlineData("Accept-Encoding: gzip, br")]
    [InlineData("Proxy-Authorization: Basic YTpi")]
    [InlineData("TE: trailers")]
    public async Task TH6_other_headers_about_the_request_change_no_answer(string line)
    {
        Assert.Equal(401, (await Ask(SignedInFixture.Nobody with { Lines = [line] })).Status);
        Assert.Equal(403, (await Ask(setup.Bob with { Uri = "/admin/a", Lines = [line] })).Status);
        Assert.Equal(200, (await Ask(setup.Bob with { Lines = [line] })).Status);
        var page = await Ask(SignedInFixture.Nobody with { Accept = "text/html", Lines = [line] });
        Assert.StartsWith(setup.World.Idp.Issuer, Assert.Single(page.Header("Location")), StringComparison.Ordinal);
        Assert.DoesNotContain("evil", page.Text, StringComparison.Ordinal);
    }

    // CVE-2026-40575: whoever reaches the gateway itself could otherwise tell it any story.
    [StoreFact]
    public async Task TH7_an_address_that_is_no_proxy_of_ours_is_told_nothing()
    {
        await using var world = await World.StartAsync(setup.Store, settings: new Dictionary<string, string> { ["trustedProxies"] = "192.0.2.1" });

        foreach (var question in new[] { setup.Bob, setup.Bob with { Uri = "/public/a" } })
        {
            var answer = await question.AskAsync(world.Gateways[0]);

            Assert.Equal(403, answer.Status);
            Assert.All(IdentityHeaders.All, name => Assert.Empty(answer.Header(name)));
        }
    }

    // CVE-2026-48794: a host in another spelling missed the rule that was written for it.
    [StoreTheory]
    [InlineData("LOCALHOST", 403)]
    [InlineData("localhost.", 403)]
    [InlineData("localhost:443", 403)]
    [InlineData("localhost:8443", 403)]
    [InlineData("localhost@evil", 400)]
    [InlineData("localhost, evil", 400)]
    [InlineData("evil, localhost", 400)]
    [InlineData("localhost evil", 400)]
    [InlineData("localhost/evil", 400)]
    [InlineData("localhost:80:80", 400)]
    [InlineData("", 400)]
    [InlineData("*", 400)]
    public async Task TH8_a_host_in_another_spelling_has_the_same_rules_or_none(string host, int adminStatus) =>
        Assert.Equal(adminStatus, (await Ask(setup.Bob with { Host = host, Uri = "/admin/a" })).Status);

    [StoreTheory]
    [InlineData("[::1]")]
    [InlineData("xn--lcalhost-9ya")]
    [InlineData("localhost.evil")]
    [InlineData("127.0.0.1")]
    public async Task TH8_another_host_has_no_rules_and_begins_no_login(string host)
    {
        foreach (var question in new[] { setup.Bob, SignedInFixture.Nobody with { Accept = "text/html" } })
        {
            var answer = await Ask(question with { Host = host });

            Assert.Equal(403, answer.Status);
            Assert.Empty(answer.Header("Set-Cookie"));
        }
    }

    [StoreFact]
    public async Task TH8_a_host_of_300_characters_is_malformed() =>
        Assert.Equal(400, (await Ask(setup.Bob with { Host = new string('a', 300) })).Status);

    // CVE-2026-34457: health checks were recognised by what they call themselves, and let through.
    [StoreTheory]
    [InlineData("GoogleHC/1.0")]
    [InlineData("kube-probe/1.30")]
    [InlineData("ELB-HealthChecker/2.0")]
    [InlineData("Amazon-Route53-Health-Check-Service (ref 1; report http://amzn.to/1vsZADi)")]
    [InlineData("Edge Health Probe")]
    [InlineData("Azure Traffic Manager Endpoint Monitor")]
    [InlineData("Load Balancer Agent")]
    [InlineData("HealthCheck/1.0")]
    [InlineData("Prometheus/2.53.0")]
    [InlineData("Blackbox Exporter/0.25.0")]
    [InlineData("UptimeRobot/2.0")]
    [InlineData("Pingdom.com_bot_version_1.4")]
    [InlineData("StatusCake")]
    [InlineData("Consul Health Check")]
    [InlineData("HAProxy")]
    [InlineData("nginx-health-check")]
    [InlineData("Envoy/HC")]
    [InlineData("Traefik")]
    [InlineData("curl/8.7.1")]
    [InlineData("")]
    public async Task TH9_a_probe_without_a_session_passes_nowhere(string agent)
    {
        foreach (var uri in new[] { "/", "/x", "/healthz", "/readyz", "/ping", "/health" })
        {
            var answer = await Ask(SignedInFixture.Nobody with { Uri = uri, Accept = "*/*", Lines = [$"User-Agent: {agent}"] });

            Assert.True(answer.Status is 302 or 401, $"{agent} {uri}: {answer.Status}");
        }
    }

    private Task<RawAnswer> Ask(RawQuestion question) => question.AskAsync(setup.Gateway);
}
