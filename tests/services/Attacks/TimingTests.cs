using System.Diagnostics;
using System.Net;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>
/// Whether the time of an answer tells how much of a session id was right. The id is looked up by its hash, so no prefix of it
/// is ever compared. Times on a shared machine prove nothing: they are reported, not judged.
/// </summary>
public sealed class TimingTests(SignedInFixture setup) : IClassFixture<SignedInFixture>
{
    private static readonly int Samples = LongRun.Times(500, 10_000);

    [StoreFact]
    public async Task TD1_unknown_revoked_and_nearly_right_ids_are_refused_alike_and_their_times_reported()
    {
        var value = setup.Bob.Cookie!.Split('=')[1];
        setup.World.Idp.SignInAs(new StubUser("revoked"));
        var browser = setup.World.NewBrowser();
        await browser.OpenAsync("/x");
        var revoked = browser.SessionCookie!;
        await setup.World.Idp.SendLogoutTokenAsync(new Uri(setup.World.Logout.Public, "/backchannel-logout"), "revoked", null, CancellationToken.None);
        await Until.TrueAsync("the session has ended", async () => (await browser.CallAsync("/x")).StatusCode == HttpStatusCode.Unauthorized);
        (string Name, string Cookie)[] kinds =
        [
            ("unknown id", new string('A', 43)), ("revoked id", revoked), ("right but for its last character", Other(value, 42)),
            ("right but for its first character", Other(value, 0)), ("too short", value[..42]), ("no cookie", ""),
        ];

        var times = kinds.ToDictionary(k => k.Name, _ => new List<double>(Samples));
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
        for (var i = 0; i < Samples; i++)
        {
            foreach (var (name, cookie) in kinds)
            {
                var started = Stopwatch.GetTimestamp();
                Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(http, cookie));
                times[name].Add(Stopwatch.GetElapsedTime(started).TotalMicroseconds);
            }
        }

        Reports.Write("session-id-timing.md",
        [
            $"{Samples} answers each, in turns, over one connection; microseconds as the client sees them.", "",
            "| id | status | p10 | median | p90 |", "|---|---|---|---|---|",
            .. times.Select(t => FormattableString.Invariant($"| {t.Key} | 401 | {At(t.Value, 0.1):F0} | {At(t.Value, 0.5):F0} | {At(t.Value, 0.9):F0} |")),
        ]);
    }

    private async Task<HttpStatusCode> AskAsync(HttpClient http, string cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(setup.Gateway.Public, "/verify"));
        foreach (var (name, value) in new[] { ("Method", "GET"), ("Proto", "http"), ("Host", World.Host), ("Uri", "/x") })
        {
            request.Headers.Add($"X-Forwarded-{name}", value);
        }

        request.Headers.Add("Accept", "application/json");
        request.Headers.Add("Cookie", $"eventauth={cookie}");
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }

    private static string Other(string value, int at) => value[..at] + (value[at] == 'A' ? 'E' : 'A') + value[(at + 1)..];

    private static double At(List<double> times, double share) => times.Order().ElementAt((int)(share * (times.Count - 1)));
}
