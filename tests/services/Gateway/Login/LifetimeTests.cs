using System.Net;
using EventAuth.Services.Tests.Conformance;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>A session ends after its lifetime, however often it is used and renewed, and after rest when that is set.</summary>
public sealed class LifetimeTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new(TimeProvider.System.GetUtcNow());
    private TestStore? _store;

    public async Task InitializeAsync() => _store = TestStore.IsConfigured ? await TestStore.CreateAsync("lifetime") : null;

    public async Task DisposeAsync() => await (_store?.DisposeAsync() ?? default);

    // A dashboard that asks every few minutes would otherwise keep a stolen cookie alive for ever.
    [StoreFact]
    public async Task No_refresh_extends_the_absolute_end()
    {
        await using var world = await StartAsync(("session.lifetime", "30m"));
        var browser = await world.SignInAsync(ConformanceFixture.Alice);
        for (var minute = 6; minute < 30; minute += 6)
        {
            _clock.Advance(TimeSpan.FromMinutes(6));
            Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync("/x")).StatusCode);
        }

        Assert.Equal(4, world.Idp.Log.Grants("refresh_token"));
        _clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync("/x")).StatusCode);
        Assert.Equal(4, world.Idp.Log.Grants("refresh_token"));
    }

    [StoreFact]
    public async Task Rest_ends_it_and_use_does_not()
    {
        await using var world = await StartAsync(("session.idle", "10m"));
        var browser = await world.SignInAsync(ConformanceFixture.Alice);
        for (var time = 0; time < 3; time++)
        {
            _clock.Advance(TimeSpan.FromMinutes(9));
            Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync("/x")).StatusCode);
            await UseIsStoredAsync();
        }

        _clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync("/x")).StatusCode);
    }

    // Use is written in batches; time that jumps would otherwise be ahead of them.
    private async Task UseIsStoredAsync()
    {
        var used = _clock.GetUtcNow().AddSeconds(-1);
        await Until.TrueAsync("the use is in the store", async () =>
        {
            _clock.Advance(TimeSpan.FromMilliseconds(500));
            return (await _store!.QueryAsync($"select 1 from eventauth.activity where seen_at >= '{used:O}'")).Count > 0;
        });
    }

    private Task<World> StartAsync((string Key, string Value) setting) => World.StartAsync(
        _store!, idp: new StubOptions { Clock = _clock }, clock: _clock, settings: new Dictionary<string, string> { [setting.Key] = setting.Value });
}
