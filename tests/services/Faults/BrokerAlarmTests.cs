using System.Net;
using EventAuth.Guarantee.Processes;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Faults;

/// <summary>A broker that is short of memory or disk stops reading from whoever publishes, without a word to them.</summary>
public sealed class BrokerAlarmTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    // F04: the memory alarm. Publishes are taken by the socket and never confirmed.
    [WithBrokerFact]
    public async Task A_broker_that_blocks_publishers_delays_no_revocation_and_is_heard_again_when_its_alarm_is_over()
    {
        await using var infra = await Infrastructure.StartAsync(broker: true, CancellationToken.None);
        await using var store = await TestStore.CreateAsync("alarm");
        await using var world = await World.StartAsync(store, settings: new Dictionary<string, string>
        {
            ["rabbitmq.url"] = infra.Amqp!.ToString(),
            ["revocation.bound"] = $"{Bound.TotalSeconds}s",
            ["revocation.pollInterval"] = "200ms",
        });
        var (alice, bob) = (await world.SignInAsync(new StubUser("alice")), await world.SignInAsync(new StubUser("bob")));
        await Until.TrueAsync("the broker is heard", async () =>
            (await BusWorld.StatusAsync(world.Gateways[0])).GetProperty("broker").GetString() == "Healthy");

        await infra.ControlBrokerAsync("set_vm_memory_high_watermark", "absolute", "1MB");
        await LogOutAsync(world, "alice");
        await BusWorld.RefusedAsync(alice, Bound);
        await Until.TrueAsync("it is shown", async () =>
            await BusWorld.MetricAsync(world.Logout, "eventauth_bus_failing") + await BusWorld.MetricAsync(world.Gateways[0], "eventauth_bus_failing") > 0);
        Assert.Equal(HttpStatusCode.OK, (await bob.CallAsync()).StatusCode);

        await infra.ControlBrokerAsync("set_vm_memory_high_watermark", "absolute", "512MB");
        await Until.TrueAsync("what had waited is published", async () =>
            (await store.QueryAsync("select count(*) from eventauth.revocation where published_at is null"))[0][0] == "0", TimeSpan.FromSeconds(40));
        await LogOutAsync(world, "bob");
        await BusWorld.RefusedAsync(bob, Bound);
    }

    private static async Task LogOutAsync(World world, string sub)
    {
        var sent = world.Idp.SendLogoutTokenAsync(new Uri(world.Logout.Public, "/backchannel-logout"), sub, null, CancellationToken.None);
        Assert.Equal(200, await sent.WaitAsync(TimeSpan.FromSeconds(1.5)));
    }
}
