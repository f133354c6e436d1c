using System.Net;
using EventAuth.Adapters.Telemetry;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Faults;

/// <summary>F32: kill -9 of a gateway around a read of the feed. Whoever starts again knows nothing before they have read everything.</summary>
public sealed class GatewayCrashTests(GatewayCrashTests.Setup setup) : IClassFixture<GatewayCrashTests.Setup>
{
    public sealed class Setup : ProcessWorldFixture
    {
        internal override async Task<ProcessWorld> StartAsync()
        {
            var world = await ProcessWorld.StartAsync("gatewaycrash", gateways: 2);
            await world.SendAsync(world.Idp.LogoutToken("somebody", null));
            return world;
        }
    }

    // The second gateway dies while it reads; meanwhile somebody is signed out; then it reads so slowly that it can be asked before.
    [StoreTheory]
    [InlineData(Failpoints.FeedBeforeRead)]
    [InlineData(Failpoints.FeedBeforeApply)]
    [InlineData(Failpoints.FeedWhileApplying)]
    public async Task A_gateway_that_died_while_reading_is_not_ready_and_lets_nobody_revoked_in_until_it_has_read_all(string place)
    {
        for (var round = 0; round < LongRun.Times(1, 20); round++)
        {
            var victim = setup.World.Gateways[1];
            var browser = await setup.World.SignInAsync($"{place}-{round}");
            Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);
            await victim.KillAsync();
            victim.StartAgain($"{place}:exit");
            Assert.Equal(200, await setup.World.SendAsync(setup.World.Idp.LogoutToken($"{place}-{round}", null)));
            await ProcessWorld.DiedAsync(victim);

            victim.StartAgain($"{place}:delay=500");
            var askedEarly = await AskUntilReadyAsync(browser);

            Assert.True(askedEarly > 0, "nobody asked before it was ready");
            Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync(gateway: 1)).StatusCode);
            await ProcessWorld.RestartAsync(victim);
        }
    }

    // It has read the row that ends somebody, and dies before it has done as the row says.
    [StoreFact]
    public async Task A_gateway_that_died_with_a_revocation_in_its_hands_refuses_after_the_restart()
    {
        var victim = setup.World.Gateways[1];
        var rows = (await setup.World.Store.QueryAsync("select count(*) from eventauth.revocation where kind <> 4"))[0][0];
        await ProcessWorld.RestartAsync(victim, $"{Failpoints.FeedWhileApplying}@{int.Parse(rows, System.Globalization.CultureInfo.InvariantCulture) + 1}:exit");
        var browser = await setup.World.SignInAsync("in-hands");
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);

        Assert.Equal(200, await setup.World.SendAsync(setup.World.Idp.LogoutToken("in-hands", null)));
        await ProcessWorld.DiedAsync(victim);
        await ProcessWorld.RestartAsync(victim);

        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync(gateway: 1)).StatusCode);
    }

    private async Task<int> AskUntilReadyAsync(Browser browser)
    {
        var early = 0;
        await Until.TrueAsync("it is ready", async () =>
        {
            var ready = await setup.World.Gateways[1].IsReadyAsync(default);
            try
            {
                var status = (await browser.CallAsync(gateway: 1)).StatusCode;
                Assert.Contains(status, new[] { HttpStatusCode.Unauthorized, HttpStatusCode.ServiceUnavailable });
                early += ready ? 0 : 1;
            }
            catch (HttpRequestException)
            {
                // Its listener is not open yet.
            }

            return ready;
        }, TimeSpan.FromSeconds(60));
        return early;
    }
}
