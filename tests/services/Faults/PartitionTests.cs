using System.Diagnostics;
using EventAuth.Guarantee.Links;
using EventAuth.Services.Tests.Harness;
using Npgsql;
using Xunit.Abstractions;

namespace EventAuth.Services.Tests.Faults;

/// <summary>F33: the wire between one gateway and everything that could tell it of a logout is pulled; its clients still reach it.</summary>
public sealed class PartitionTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Partition = TimeSpan.FromSeconds(LongRun.Times(8, 20));

    [OwnNetworkFact]
    public async Task A_gateway_cut_off_from_all_stops_letting_in_within_the_bound_and_is_right_again_after_healing()
    {
        await using var network = await PrivateNetwork.CreateAsync();
        await using var world = await ProcessWorld.StartAsync("partition", gateways: 1, new Dictionary<string, string>
        {
            ["rabbitmq.url"] = TestBroker.Url,
            ["revocation.bound"] = "3s",
            ["revocation.pollInterval"] = "500ms",
        });
        var server = new NpgsqlConnectionStringBuilder(world.Store.ConnectionString);
        var broker = new Uri(TestBroker.Url);
        await using var storeLink = new TcpProxy(server.Host!, server.Port, network.ServersHere);
        await using var brokerLink = new TcpProxy(broker.Host, broker.Port, network.ServersHere);
        (server.Host, server.Port) = (network.ServersHere.ToString(), storeLink.Port);
        var apart = world.AddGateway(wrapper: network.Wrapper, settings: new Dictionary<string, string>
        {
            ["listen.public"] = $"http://{network.ClientsThere}:{Ports.Free()}",
            ["listen.operations"] = $"http://{network.ClientsThere}:{Ports.Free()}",
            ["trustedProxies"] = network.ClientsHere.ToString(),
            ["postgres.connectionString"] = server.ConnectionString,
            ["rabbitmq.url"] = new UriBuilder(broker) { Host = network.ServersHere.ToString(), Port = brokerLink.Port }.Uri.ToString(),
        });
        await ProcessWorld.ReadyAsync(apart);
        var sessions = await IssuedSession.ManyAsync(world.Store, world.Idp.Issuer, "apart", 2);
        var (alice, bob) = (sessions[0], sessions[1]);
        Assert.Equal((200, 200), (await alice.AskAsync(apart.Public), await bob.AskAsync(apart.Public)));

        Assert.Equal(200, await world.SendAsync(world.Idp.LogoutToken("somebody", null)));

        await network.ConnectServersAsync(false);
        var pulled = Stopwatch.GetTimestamp();
        Assert.Equal(200, await alice.AskAsync(apart.Public));
        Assert.Equal(200, await world.SendAsync(world.Idp.LogoutToken(null, alice.Sid)));
        var committed = Stopwatch.GetTimestamp();
        var (lastAllow, slowest, allows, unknown) = (TimeSpan.MinValue, TimeSpan.Zero, 0, 0);
        while (Stopwatch.GetElapsedTime(pulled) < Partition)
        {
            var at = Stopwatch.GetTimestamp();
            var status = await alice.AskAsync(apart.Public);
            Assert.Contains(status, new[] { 200, 503 });
            (allows, unknown) = (allows + (status == 200 ? 1 : 0), unknown + (status == 503 ? 1 : 0));
            lastAllow = status == 200 ? Stopwatch.GetElapsedTime(committed, at) : lastAllow;
            slowest = Stopwatch.GetElapsedTime(at) > slowest ? Stopwatch.GetElapsedTime(at) : slowest;
            Assert.Equal(200, await bob.AskAsync(world.Gateways[0].Public));
        }

        Assert.Equal(401, await alice.AskAsync(world.Gateways[0].Public));
        Assert.Equal(503, await bob.AskAsync(apart.Public));
        Assert.True(lastAllow <= Bound, $"let in {lastAllow} after the commit");
        Assert.True(unknown > 0, $"{allows} allows, never unknown: nothing was tested");

        await network.ConnectServersAsync(true);
        var healed = Stopwatch.GetTimestamp();
        await Until.TrueAsync("the bystander passes again", async () =>
        {
            Assert.Contains(await alice.AskAsync(apart.Public), new[] { 401, 503 });
            return await bob.AskAsync(apart.Public) == 200;
        });
        output.WriteLine($"last let in {lastAllow.TotalMilliseconds:F0} ms after the commit ({allows} times), then {unknown} times 503, the slowest after {slowest.TotalMilliseconds:F0} ms; right {Stopwatch.GetElapsedTime(healed).TotalMilliseconds:F0} ms after healing");
        await Until.TrueAsync("the revoked session is known as such", async () => await alice.AskAsync(apart.Public) == 401);
    }
}
