using System.Buffers.Text;
using System.Net;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Flows;

/// <summary>Two gateways in this process whose refreshes can be begun and held up at will, over an IdP that rotates refresh tokens.</summary>
internal sealed class RefreshWorld : IAsyncDisposable
{
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly TestStore _store;
    private readonly ManualClock? _clock;

    public TestStore Store => _store;

    private RefreshWorld(TestStore store, World services, ManualClock? clock) => (_store, Services, _clock) = (store, services, clock);

    public World Services { get; }

    public StubProvider Idp => Services.Idp;

    /// <summary>Calls to the token endpoint for refreshes.</summary>
    public int Calls => Idp.Log.Grants("refresh_token");

    /// <param name="stands">Time stands still until <see cref="Advance"/>; leases are of the store's clock, which goes on.</param>
    public static async Task<RefreshWorld> StartAsync(
        string purpose, bool stands = false, StubOptions? idp = null, params (string Key, string Value)[] settings)
    {
        var clock = stands ? new ManualClock(TimeProvider.System.GetUtcNow()) : null;
        var store = await TestStore.CreateAsync(purpose);
        var all = new Dictionary<string, string> { ["refresh.timeout"] = "1s", ["refresh.lease"] = "2s", ["revalidation.interval"] = "0s" };
        Array.ForEach(settings, s => all[s.Key] = s.Value);
        idp ??= new StubOptions();
        var world = await World.StartAsync(store, gateways: 2, idp: clock is null ? idp : idp with { Clock = clock }, settings: all, clock: clock);
        return new RefreshWorld(store, world, clock);
    }

    public void Advance(TimeSpan by) => _clock!.Advance(by);

    /// <summary>Somebody who is known at both gateways.</summary>
    public async Task<(Browser, SessionId)> SignInAsync(string sub = "alice")
    {
        Idp.SignInAs(new StubUser(sub));
        var browser = Services.NewBrowser();
        await Until.TrueAsync("they are signed in", async () => (await browser.OpenAsync("/x")).StatusCode == HttpStatusCode.OK);
        await Until.TrueAsync("the other gateway knows them", async () => (await browser.CallAsync(gateway: 1)).StatusCode == HttpStatusCode.OK);
        return (browser, SessionId.OfSecret(Base64Url.DecodeFromChars(browser.SessionCookie!)));
    }

    public T Of<T>(int gateway) where T : notnull => Services.Gateways[gateway].Services.GetRequiredService<T>();

    public Task<RefreshOutcome> RefreshAsync(int gateway, SessionId id, int version = 1) =>
        Of<RefreshSession>(gateway).RunAsync(id, version, RefreshCaller.Gateway);

    /// <summary>Holds a gateway up at a failpoint.</summary>
    public Hold HoldAt(int gateway, string failpoint)
    {
        var hold = new Hold();
        Of<Failpoints>(gateway).Set(failpoint, hold.StandAsync);
        return hold;
    }

    public Task<List<string[]>> QueryAsync(string sql) => _store.QueryAsync(sql);

    /// <summary>Why sessions ended.</summary>
    public async Task<IReadOnlyList<string>> EndReasonsAsync() =>
        [.. (await QueryAsync("select end_reason from eventauth.session where ended_at is not null")).Select(r => r[0])];

    public async ValueTask DisposeAsync()
    {
        await Services.DisposeAsync();
        await _store.DisposeAsync();
    }

    /// <summary>A place where the first who comes waits until released.</summary>
    internal sealed class Hold
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task ReachedAsync() => _reached.Task.WaitAsync(Limit);

        public void Release() => _released.TrySetResult();

        public Task StandAsync()
        {
            _reached.TrySetResult();
            return _released.Task;
        }
    }
}
