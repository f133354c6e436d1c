using System.Diagnostics;
using System.Globalization;
using System.Net;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Faults;

/// <summary>The store crashes, goes away for a while, or has no room left; sign-outs come all the time.</summary>
[Collection(OwnPostgres.Name)]
public sealed class PostgresRestartTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    // F12: as after a crash, without a checkpoint.
    [OwnPostgresFact]
    public async Task A_store_that_restarts_under_load_has_everything_that_was_acknowledged_and_is_used_again_at_once()
    {
        for (var round = 0; round < LongRun.Times(1, 20); round++)
        {
            await using var server = await PrivatePostgres.StartAsync(null, "fsync = on", "full_page_writes = on");
            await using var store = new TestStore(server);
            await using var world = await StartAsync(store);
            var browser = await world.SignInAsync(new StubUser("alice"));
            using var done = new CancellationTokenSource();
            var load = new LogoutLoad(world.Idp, new Uri(world.Logout.Public, "/backchannel-logout"));
            var running = load.RunAsync(workers: 4, done.Token);
            await Until.TrueAsync("the load runs", () => load.Acknowledged > 50);

            await server.StopAsync("immediate");
            await server.StartAgainAsync();
            var back = Stopwatch.GetTimestamp();
            var before = load.Acknowledged;

            await Until.TrueAsync("sign-outs are taken again and sessions pass", async () =>
            {
                var status = (await browser.CallAsync()).StatusCode;
                Assert.Contains(status, new[] { HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable });
                return status == HttpStatusCode.OK && load.Acknowledged > before + 10 && await world.Gateways[0].IsReadyAsync();
            }, TimeSpan.FromSeconds(10));
            var connections = await store.QueryAsync("select count(*) from pg_stat_activity where application_name like 'eventauth%'");
            await done.CancelAsync();
            await running;

            Assert.True(Stopwatch.GetElapsedTime(back) < TimeSpan.FromSeconds(10));
            Assert.True(int.Parse(connections[0][0], CultureInfo.InvariantCulture) <= 2 * 24, $"{connections[0][0]} connections of two services");
            await load.AssertStoredAsync(store);
        }
    }

    // F13: down for longer than anybody may answer from memory.
    [OwnPostgresFact]
    public async Task While_the_store_is_down_sessions_pass_for_the_bound_and_then_nobody_is_let_in_or_signed_out_by_mistake()
    {
        await using var server = await PrivatePostgres.StartAsync();
        await using var store = new TestStore(server);
        await using var world = await StartAsync(store);
        var browser = await world.SignInAsync(new StubUser("alice"));
        using var done = new CancellationTokenSource();
        var load = new LogoutLoad(world.Idp, new Uri(world.Logout.Public, "/backchannel-logout"));
        var running = load.RunAsync(workers: 2, done.Token);
        await Until.TrueAsync("the load runs", () => load.Acknowledged > 20);

        await server.StopAsync("fast");
        var down = Stopwatch.GetTimestamp();
        var (lastAllow, unknown) = (TimeSpan.Zero, 0);
        var acknowledged = load.Acknowledged;
        while (Stopwatch.GetElapsedTime(down) < TimeSpan.FromSeconds(LongRun.Times(6, 60)))
        {
            var at = Stopwatch.GetTimestamp();
            var status = (await browser.CallAsync()).StatusCode;
            lastAllow = status == HttpStatusCode.OK ? Stopwatch.GetElapsedTime(down, at) : lastAllow;
            unknown += status == HttpStatusCode.ServiceUnavailable ? 1 : 0;
            Assert.Contains(status, new[] { HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable });
            await Task.Delay(10);
        }

        Assert.True(unknown > 0 && lastAllow <= Bound, $"{unknown} times unknown, let in {lastAllow} after the store was gone");
        Assert.True(load.Acknowledged <= acknowledged + 2, "a logout was acknowledged without a store");
        await server.StartAgainAsync();
        await Until.TrueAsync("the session passes again", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.OK);
        await Until.TrueAsync("sign-outs are taken again", () => load.Acknowledged > acknowledged + 10);
        await done.CancelAsync();
        await running;
        await load.AssertStoredAsync(store);
        Assert.Equal("0", (await store.QueryAsync("select count(*) from eventauth.session where ended_at is not null"))[0][0]);
    }

    // F18: nothing can be written any more; Postgres may even give up altogether.
    [SmallDiskFact]
    public async Task On_a_full_disk_no_logout_is_acknowledged_that_was_not_stored_and_all_goes_on_when_there_is_room()
    {
        await using var disk = await SmallDisk.MountAsync(megabytes: 96);
        await using var server = await PrivatePostgres.StartAsync(disk.Folder);
        await using var store = new TestStore(server);
        await using var world = await StartAsync(store);
        var browser = await world.SignInAsync(new StubUser("alice"));
        using var done = new CancellationTokenSource();
        var load = new LogoutLoad(world.Idp, new Uri(world.Logout.Public, "/backchannel-logout"));
        var running = load.RunAsync(workers: 4, done.Token);
        await Until.TrueAsync("the load runs", () => load.Acknowledged > 20);

        await disk.FillAsync();
        var (seen, since) = (load.Acknowledged, Stopwatch.GetTimestamp());
        await Until.TrueAsync("nothing is acknowledged any more", () =>
        {
            if (load.Acknowledged > seen)
            {
                (seen, since) = (load.Acknowledged, Stopwatch.GetTimestamp());
            }

            return Task.FromResult(Stopwatch.GetElapsedTime(since) > TimeSpan.FromSeconds(3));
        }, TimeSpan.FromSeconds(60));
        Assert.Contains((await browser.CallAsync()).StatusCode, new[] { HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable });

        disk.Free();
        await server.RecoverAsync();
        await Until.TrueAsync("sign-outs are taken again", () => load.Acknowledged > seen + 10);
        await Until.TrueAsync("the session passes", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.OK);
        await done.CancelAsync();
        await running;
        await load.AssertStoredAsync(store);
    }

    private static Task<World> StartAsync(TestStore store) => World.StartAsync(store, settings: new Dictionary<string, string>
    {
        ["revocation.bound"] = "2s",
        ["revocation.pollInterval"] = "200ms",
    });
}
