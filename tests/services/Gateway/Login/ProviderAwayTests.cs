using System.Net;
using EventAuth.Services.Tests.Conformance;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>Services start without their IdP; who is signed in stays so, and who is not is told when to try again.</summary>
public sealed class ProviderAwayTests : IAsyncLifetime
{
    private TestStore? _store;

    public async Task InitializeAsync() => _store = TestStore.IsConfigured ? await TestStore.CreateAsync("provideraway") : null;

    public async Task DisposeAsync() => await (_store?.DisposeAsync() ?? default);

    [StoreFact]
    public async Task A_gateway_that_starts_while_the_IdP_is_down_serves_sessions_and_signs_in_as_soon_as_it_is_back()
    {
        var port = Ports.Free();
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        var options = new StubOptions { Port = port, Clock = clock };
        await using var world = await World.StartAsync(_store!, idp: options, clock: clock);
        var known = await world.SignInAsync(ConformanceFixture.Alice);
        await world.Idp.DisposeAsync();
        await world.AddGatewayAsync("gateway-2", clock);

        Assert.Equal(HttpStatusCode.OK, (await known.CallAsync("/x", gateway: 1)).StatusCode);
        foreach (var answer in new[] { await world.NewBrowser().VerifyAsync("/x", gateway: 1), await world.NewBrowser().GetAsync("/auth/login", gateway: 1) })
        {
            var page = await answer.Content.ReadAsStringAsync();
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(5), answer.Headers.RetryAfter!.Delta);
            Assert.False(answer.Headers.Contains("Set-Cookie"));
            Assert.Equal("provider connection", await SignInTrial.ReasonAsync(_store!, page));
            Assert.True(page.Length < 2048, $"{page.Length}");
        }

        await using var back = await StubProvider.StartAsync(options);
        back.SignInAs(ConformanceFixture.Alice);
        clock.Advance(TimeSpan.FromSeconds(31));
        await Until.TrueAsync("people sign in again", async () =>
            (await world.NewBrowser().GetAsync("/auth/login", gateway: 1)).StatusCode == HttpStatusCode.Found);
    }

    // The way back on the page is as long as the address somebody wanted, and a proxy cuts pages of its auth server off.
    [StoreFact]
    public async Task The_page_stays_small_however_long_the_address_is()
    {
        await using var world = await World.StartAsync(_store!);
        world.Idp.Always(StubEndpoint.Discovery, StubAnswer.Empty(503));
        var answer = await world.NewBrowser().VerifyAsync("/x?y=" + new string('z', 6_000));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.True((await answer.Content.ReadAsByteArrayAsync()).Length < 2048);
    }
}
