using System.Collections.Concurrent;
using System.Net;
using System.Text;
using EventAuth.Domain.Tests.Fuzz;
using EventAuth.Services.Tests.Attacks;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Oidc;

namespace EventAuth.Services.Tests.Fuzz;

/// <summary>
/// Wrong requests to real listeners, byte by byte: nobody passes without a valid cookie, nothing is an error of ours, nothing
/// hangs, and afterwards everything is as before.
/// </summary>
public sealed class GatewayFuzzTests(GatewayFuzzTests.Setup setup) : IClassFixture<GatewayFuzzTests.Setup>
{
    private const int Rounds = 3000;

    // What is unfinished is finished by this, and what was finished gets a second answer that nobody reads.
    private const string End = "\r\n\r\nGET /the-end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    public sealed class Setup : WorldFixture
    {
        // Nothing is open here: whatever passes is a hole.
        internal override Task<World> StartAsync(TestStore store) =>
            World.StartAsync(store, settings: new Dictionary<string, string> { ["rules.0.access"] = "deny" });
    }

    [StoreFact]
    public async Task No_wrong_request_passes_the_gateway_or_breaks_it()
    {
        var bob = await setup.World.SignInAsync(new StubIdp.StubUser("bob"));
        string[] corpus = [.. Questions()];
        var statuses = new ConcurrentDictionary<int, int>();
        await FuzzRun.RunAsync(Rounds, corpus, m => m.Text(), async text =>
        {
            var answer = await RawSocket.SendAsync(setup.World.Gateways[0].Public, Encoding.Latin1.GetBytes(text + End), firstOnly: true);

            Assert.False(answer.Allows && !IsOpenPage(text), answer.Text);
            Assert.True(answer.Status is 0 or (>= 300 and < 500) or 505 || answer.Allows, answer.Text);
            statuses.AddOrUpdate(answer.Status, 1, (_, n) => n + 1);
        });

        // All refused for one reason would not have reached what is tested here.
        Assert.True(statuses.Count > 3, string.Join(", ", statuses));
        Assert.Equal(HttpStatusCode.OK, (await bob.CallAsync("/x")).StatusCode);
        Reports.Write("fuzz-gateway.md", ["| status | answers |", "|---|---|", .. statuses.OrderBy(s => s.Key).Select(s => $"| {(s.Key == 0 ? "closed" : s.Key)} | {s.Value} |")]);
    }

    [StoreFact]
    public async Task No_wrong_logout_signs_anybody_out_or_breaks_the_webhook()
    {
        var bob = await setup.World.SignInAsync(new StubIdp.StubUser("carol"));
        var token = setup.World.Idp.LogoutToken("carol", null, c => c["nonce"] = "refused for this");
        string[] corpus = [Logout($"logout_token={token}"), Logout($"a=b&logout_token={token}&c=%20"), .. Corpus.Read("form_params", "jwt").Select(f => Logout("logout_token=" + Encoding.Latin1.GetString(f.Bytes)))];
        await FuzzRun.RunAsync(Rounds / 2, corpus, m => m.OneIn(3) ? Logout("logout_token=" + m.Change(token)) : m.Text(), async text =>
        {
            var answer = await RawSocket.SendAsync(setup.World.Logout.Public, Encoding.Latin1.GetBytes(text + End), firstOnly: true);
            Assert.True(answer.Status is 0 or (>= 400 and < 500) or 505, answer.Text);
        });

        Assert.Equal(HttpStatusCode.OK, (await bob.CallAsync("/x")).StatusCode);
    }

    private static IEnumerable<string> Questions()
    {
        var wrong = new string('A', 43);
        RawQuestion[] questions =
        [
            SignedInFixture.Nobody with { Connection = "X-Sent: 1" }, SignedInFixture.Nobody with { Accept = "text/html", Cookie = $"eventauth={wrong}" },
            SignedInFixture.Nobody with { Uri = "/public/a", Cookie = $"a=b; eventauth={wrong}; c=d" },
            SignedInFixture.Nobody with { Method = "POST", RequestLine = "POST /verify HTTP/1.1", Lines = ["Content-Length: 0"] },
            SignedInFixture.Nobody with { Host = "app.example.test", Proto = "https" }, SignedInFixture.Nobody with { Lines = ["X_Forwarded_User: evil"] },
            SignedInFixture.Nobody with { Lines = ["Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2ln", "X-Min-Position: 5"] },
            SignedInFixture.Nobody with { Lines = ["Authorization: Basic YTpi", "Sec-WebSocket-Key: x", "Origin: https://evil.test"] },
        ];
        var head = $"Host: {World.Host}\r\nCookie: eventauth={wrong}; eventauth-login={wrong}.1.1767225600\r\n\r\n";
        return
        [
            .. questions.Select(q => q.ToString()), $"GET /auth/login?rd=/a HTTP/1.1\r\n{head}", $"GET /auth/callback?state=a&code=b&iss=c HTTP/1.1\r\n{head}",
            $"GET /api/sessions?limit=5 HTTP/1.1\r\n{head}", $"GET /revocations/1?wait=all HTTP/1.1\r\n{head}", $"GET /api/audit/events?after=1 HTTP/1.1\r\n{head}",
        ];
    }

    // Two pages are for everybody; the fuzz may find its way there.
    private static bool IsOpenPage(string text) =>
        text.Contains("/auth/logged-out", StringComparison.Ordinal) || text.Contains("/auth/logout", StringComparison.Ordinal);

    private static string Logout(string body) =>
        $"POST /backchannel-logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {body.Length}\r\n\r\n{body}";
}
