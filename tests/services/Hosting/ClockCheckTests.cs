using System.Diagnostics;
using System.Net;
using System.Text.Json;
using EventAuth.Guarantee.Links;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Npgsql;

namespace EventAuth.Services.Tests.Hosting;

/// <summary>Wall clocks that are wrong are shown, and change nothing about revocation.</summary>
public sealed class ClockCheckTests
{
    private static readonly HttpClient Http = new();
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    // F39: one replica's clock is wrong by ten minutes or a day; expiry follows it, revocation and the lease do not.
    [StoreTheory]
    [InlineData(10)]
    [InlineData(-10)]
    [InlineData(24 * 60)]
    [InlineData(-24 * 60)]
    public async Task A_replica_with_a_wrong_clock_says_so_and_refuses_what_was_revoked_in_time(int minutes)
    {
        await using var store = await TestStore.CreateAsync("skew");
        await using var link = ProxyTo(store, out var connection);
        await using var world = await World.StartAsync(store, idp: new StubOptions { AccessLifetime = TimeSpan.FromDays(3) }, settings: Settings(connection));
        var wrong = await world.AddGatewayAsync("wrong", new OffsetClock(TimeSpan.FromMinutes(minutes)));
        await Until.TrueAsync("the alarm is shown", async () => (await ClockAsync(wrong)).GetProperty("alarm").GetBoolean());
        Assert.InRange((await ClockAsync(wrong)).GetProperty("skewMilliseconds").GetInt64(), (minutes * 60_000L) - 5000, (minutes * 60_000L) + 5000);
        var alice = await world.SignInAsync(new StubUser("alice"));
        var bob = await world.SignInAsync(new StubUser("bob"));
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync(gateway: 1)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await bob.CallAsync(gateway: 1)).StatusCode);

        await world.Idp.SendLogoutTokenAsync(new Uri(world.Logout.Public, "/backchannel-logout"), "alice", null, default);
        await Until.TrueAsync("alice is refused", async () => (await alice.CallAsync(gateway: 1)).StatusCode == HttpStatusCode.Unauthorized, Bound);
        Assert.Equal(HttpStatusCode.OK, (await bob.CallAsync(gateway: 1)).StatusCode);

        link.Link = Link.Cut;
        await Until.TrueAsync("memory counts no longer", async () => (await bob.CallAsync(gateway: 1)).StatusCode == HttpStatusCode.ServiceUnavailable, 2 * Bound);
    }

    // F39: the clock jumps back while the store is away. On the wall clock the last read would be young for another day.
    [StoreTheory]
    [InlineData(-24)]
    [InlineData(24)]
    public async Task A_clock_that_jumps_neither_prolongs_nor_ends_the_lease(int hours)
    {
        await using var store = await TestStore.CreateAsync("jump");
        await using var link = ProxyTo(store, out var connection);
        await using var world = await World.StartAsync(store, idp: new StubOptions { AccessLifetime = TimeSpan.FromDays(3) }, settings: Settings(connection));
        var clock = new OffsetClock(TimeSpan.Zero);
        await world.AddGatewayAsync("jumps", clock);
        var alice = await world.SignInAsync(new StubUser("alice"));
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync(gateway: 1)).StatusCode);

        link.Link = Link.Cut;
        var cut = Stopwatch.GetTimestamp();
        clock.Offset = TimeSpan.FromHours(hours);
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync(gateway: 1)).StatusCode);

        await Until.TrueAsync("memory counts no longer", async () => (await alice.CallAsync(gateway: 1)).StatusCode == HttpStatusCode.ServiceUnavailable, 2 * Bound);
        Assert.True(Stopwatch.GetElapsedTime(cut) > Bound / 2, "the jump ended the lease");
        link.Link = Link.Forwards;
        await Until.TrueAsync("the session passes again", async () => (await alice.CallAsync(gateway: 1)).StatusCode == HttpStatusCode.OK);
    }

    [StoreFact]
    public async Task Services_whose_clocks_agree_with_the_store_raise_no_alarm_and_measure_again()
    {
        await using var store = await TestStore.CreateAsync("rightclock");
        await using var world = await World.StartAsync(store, revalidator: true);

        foreach (var service in (ServiceUnderTest[])[.. world.Gateways, world.Logout, world.Revalidator!])
        {
            await Until.TrueAsync("it has measured", async () => (await ClockAsync(service)).GetProperty("measuredAt").ValueKind == JsonValueKind.String);
            var clock = await ClockAsync(service);

            Assert.False(clock.GetProperty("alarm").GetBoolean());
            Assert.InRange(clock.GetProperty("skewMilliseconds").GetInt64(), -5000, 5000);
            Assert.Contains("eventauth_clock_skew_seconds ", await Http.GetStringAsync(new Uri(service.Operations, "/metrics")), StringComparison.Ordinal);
        }
    }

    private static TcpProxy ProxyTo(TestStore store, out string connection)
    {
        var server = new NpgsqlConnectionStringBuilder(store.ConnectionString);
        var link = new TcpProxy(server.Host!, server.Port);
        (server.Host, server.Port) = ("127.0.0.1", link.Port);
        connection = server.ConnectionString;
        return link;
    }

    private static Dictionary<string, string> Settings(string connection) => new()
    {
        ["postgres.connectionString"] = connection,
        ["revocation.bound"] = "2s",
        ["revocation.pollInterval"] = "200ms",
        ["session.lifetime"] = "7d",
        ["revalidation.maxUnverifiedAge"] = "7d",
    };

    private static async Task<JsonElement> ClockAsync(ServiceUnderTest service)
    {
        using var status = JsonDocument.Parse(await Http.GetStringAsync(new Uri(service.Operations, "/status")));
        return status.RootElement.GetProperty("clock").Clone();
    }
}
