using System.Diagnostics;
using System.Net;
using System.Text.Json;
using EventAuth.Adapters.Telemetry;
using EventAuth.Guarantee.Processes;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Faults;

/// <summary>F21, F22: the gateway that refreshes a session's tokens dies, or stands still for longer than its lease of 2 s.</summary>
public sealed class RefreshCrashTests(RefreshCrashTests.Setup setup) : IClassFixture<RefreshCrashTests.Setup>
{
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LeaseAndSome = TimeSpan.FromSeconds(2 + 4);

    public sealed class Setup : ProcessWorldFixture
    {
        internal override Task<ProcessWorld> StartAsync() => ProcessWorld.StartAsync("refreshcrash", gateways: 2,
            new Dictionary<string, string> { ["refresh.timeout"] = "1s", ["refresh.lease"] = "2s", ["refresh.grace"] = "0s" },
            idp: new StubOptions { AccessLifetime = Life });
    }

    // Before the call nothing is lost. After it the only copy of the new token is: the old one looks stolen to the IdP, unless it
    // takes a used token once more for a while. The record then says that we lost it, not that the IdP wanted the person out.
    [StoreTheory]
    [InlineData(Failpoints.RefreshAfterClaim, false, 1, "")]
    [InlineData(Failpoints.RefreshAfterIdp, false, 2, "RefreshLost")]
    [InlineData(Failpoints.RefreshBeforeStore, false, 2, "RefreshLost")]
    [InlineData(Failpoints.RefreshAfterIdp, true, 2, "")]
    public async Task When_the_one_who_refreshes_dies_another_does_it_after_the_lease(string place, bool forgives, int calls, string end)
    {
        var sub = $"{place}-{forgives}";
        var (browser, grant) = await ExpiredAsync(sub, $"{place}:exit", forgives);
        await Assert.ThrowsAsync<HttpRequestException>(() => browser.CallAsync(gateway: 0));
        await ProcessWorld.DiedAsync(setup.World.Gateways[0]);
        var died = Stopwatch.GetTimestamp();

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => browser.CallAsync(gateway: 1)));

        Assert.InRange(Stopwatch.GetElapsedTime(died), TimeSpan.FromSeconds(0.5), LeaseAndSome);
        Assert.All(answers, a => Assert.Equal(end.Length == 0 ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, a.StatusCode));
        Assert.Equal(calls, grant.Refreshes);
        Assert.Equal(end, await EndOfAsync(sub));
    }

    [StoreFact]
    public async Task When_the_one_who_refreshes_stands_still_another_does_it_after_the_lease_and_the_late_tokens_are_revoked()
    {
        var (browser, grant) = await ExpiredAsync("frozen", $"{Failpoints.RefreshBeforeStore}@1:delay=3000", forgives: true);
        var frozen = setup.World.Gateways[0];
        var first = browser.CallAsync(gateway: 0);
        await Until.TrueAsync("it holds the new tokens", async () => await GrantedAsync(frozen) == 1);
        frozen.Freeze();
        var stood = Stopwatch.GetTimestamp();

        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);

        Assert.InRange(Stopwatch.GetElapsedTime(stood), TimeSpan.Zero, LeaseAndSome);
        Assert.Equal(2, grant.Refreshes);
        frozen.Thaw();
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        await Until.TrueAsync("its tokens are revoked", () => setup.World.Idp.Log.Count(StubEndpoint.Revoke) == 1);
        var before = grant.Refreshes;
        await ExpiryAsync(grant);
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);
        Assert.Equal(before + 1, grant.Refreshes);
        Assert.Equal("", await EndOfAsync("frozen"));
    }

    // Somebody whose token has expired, and a first gateway that meets the failpoint at its first refresh.
    private async Task<(Browser, StubGrant)> ExpiredAsync(string sub, string failpoint, bool forgives)
    {
        setup.World.Idp.Grants.RetryWindow = forgives ? TimeSpan.FromMinutes(1) : TimeSpan.Zero;
        await ProcessWorld.RestartAsync(setup.World.Gateways[0], failpoint);
        setup.World.Idp.SignInAs(new StubUser(sub));
        var browser = setup.World.NewBrowser();
        await Until.TrueAsync("they are signed in", async () => (await browser.OpenAsync("/x", gateway: 1)).StatusCode == HttpStatusCode.OK);
        var grant = setup.World.Idp.Grants.All.Values.Last(g => g.Sub == sub);
        await ExpiryAsync(grant);
        return (browser, grant);
    }

    private static Task ExpiryAsync(StubGrant grant) =>
        Until.TrueAsync("the token has expired", () => TimeProvider.System.GetUtcNow() > grant.IssuedAt + Life);

    private async Task<string> EndOfAsync(string sub) =>
        (await setup.World.Store.QueryAsync($"select end_reason from eventauth.session where sub = '{sub}'"))[0][0];

    private static async Task<int> GrantedAsync(ServiceProcess gateway)
    {
        using var http = new HttpClient();
        using var status = JsonDocument.Parse(await http.GetStringAsync(new Uri(gateway.Operations, "/status")));
        var outcomes = status.RootElement.GetProperty("refresh").GetProperty("byOutcome");
        return outcomes.TryGetProperty("granted", out var count) ? count.GetInt32() : 0;
    }
}
