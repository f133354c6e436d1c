using System.Diagnostics;
using System.Net;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Guarantee.Links;
using EventAuth.Services.Tests.Harness;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;
using Messages = EventAuth.Contracts.Messages;

namespace EventAuth.Services.Tests.Faults;

/// <summary>What can happen to the broker and the way to it: revocations arrive within the bound, and it heals by itself.</summary>
[Collection(BusWorld.Collection)]
public sealed class BusFaultTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    // F02, F03: the broker is gone; silent without a reset, which only heartbeats find; deaf in one direction; half open.
    [WithBrokerTheory]
    [InlineData(nameof(Link.Cut))]
    [InlineData(nameof(Link.Blackhole))]
    [InlineData(nameof(Link.LosesAnswers))]
    [InlineData(nameof(Link.HalfOpen))]
    public async Task A_broken_link_to_the_broker_delays_no_revocation_and_is_shown_and_heals(string fault)
    {
        await using var world = await BusWorld.StartAsync("link");
        var (alice, bob) = (await world.SignInAsync("alice"), await world.SignInAsync("bob"));
        await world.HealthyAsync();
        var logout = world.World.Logout;

        world.Link.Link = Enum.Parse<Link>(fault);
        await world.LogOutAsync("alice");
        await BusWorld.RefusedAsync(alice, Bound);
        await Until.TrueAsync("it is shown", async () => (await BusWorld.StatusAsync(logout)).GetProperty("publishing").GetString() == "failing"
            || (await BusWorld.StatusAsync(world.Gateway)).GetProperty("publishing").GetString() == "failing");
        Assert.Equal(1, await BusWorld.MetricAsync(logout, "eventauth_bus_failing") + await BusWorld.MetricAsync(world.Gateway, "eventauth_bus_failing"), 1.0);
        Assert.Equal(HttpStatusCode.OK, (await bob.CallAsync()).StatusCode);

        world.Link.Link = Link.Forwards;
        await HealedAsync(world);
        await world.LogOutAsync("bob");
        await BusWorld.RefusedAsync(bob, Bound);
    }

    // Every piece of an answer comes 300 ms late: slow is not broken.
    [WithBrokerFact]
    public async Task A_slow_broker_delays_no_revocation()
    {
        await using var world = await BusWorld.StartAsync("slow");
        var alice = await world.SignInAsync("alice");
        await world.HealthyAsync();

        world.Link.Delay = TimeSpan.FromMilliseconds(300);
        await world.LogOutAsync("alice");

        await BusWorld.RefusedAsync(alice, Bound);
        await UnpublishedAsync(world, 0);
    }

    // F01 with a silent port: the library's start once waited for the broker for ever.
    [WithBrokerFact]
    public async Task Services_start_while_the_broker_is_silent_and_hear_it_once_it_speaks()
    {
        var begun = Stopwatch.GetTimestamp();
        await using var world = await BusWorld.StartAsync("silent", Link.Blackhole);
        Assert.True(Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(8), "the start waited for the broker");
        var alice = await world.SignInAsync("alice");
        await world.LogOutAsync("alice");
        await BusWorld.RefusedAsync(alice, Bound);

        world.Link.LeadTo(new Uri(TestBroker.Url).Host, new Uri(TestBroker.Url).Port);
        world.Link.Link = Link.Forwards;
        await HealedAsync(world);
    }

    // F05: the broker confirms what it then gives nobody, for the replica's queue is gone.
    [WithBrokerFact]
    public async Task What_is_confirmed_and_reaches_nobody_arrives_by_the_feed_and_the_replica_gets_its_queue_back()
    {
        await using var world = await BusWorld.StartAsync("unroutable");
        var alice = await world.SignInAsync("alice");
        await world.HealthyAsync();
        await using var connection = await BusWorld.ConnectAsync();
        await using (var channel = await connection.CreateChannelAsync())
        {
            await channel.QueueDeleteAsync(world.Queue);
        }

        await world.LogOutAsync("alice");

        await BusWorld.RefusedAsync(alice, Bound);
        await UnpublishedAsync(world, 0);
        await Until.TrueAsync("the queue is back with its consumer", async () => await BusWorld.LookAsync(connection, world.Queue) is { ConsumerCount: > 0 });
        await HealedAsync(world);
    }

    // F38: messages are consumed at 8 a second, 200 come at once.
    [WithBrokerFact]
    public async Task A_slow_consumer_delays_no_revocation()
    {
        await using var world = await BusWorld.StartAsync("consumer");
        var browsers = new List<Browser>();
        for (var i = 0; i < 5; i++)
        {
            browsers.Add(await world.SignInAsync($"user-{i * 40}"));
        }

        await world.HealthyAsync();
        var failpoints = world.Gateway.Services.GetRequiredService<Failpoints>();
        var (atOnce, most) = (0, 0);
        failpoints.Set(Failpoints.BeforeConsume, async () =>
        {
            most = Math.Max(most, Interlocked.Increment(ref atOnce));
            await Task.Delay(TimeSpan.FromSeconds(2));
            Interlocked.Decrement(ref atOnce);
        });

        await Parallel.ForAsync(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) => await world.LogOutAsync($"user-{i}"));
        foreach (var browser in browsers)
        {
            await BusWorld.RefusedAsync(browser, Bound);
        }

        Assert.True(world.Heard.Count < 150, "the consumer was not slow");
        Assert.InRange(most, 1, 16);
        failpoints.Set(Failpoints.BeforeConsume, null);
    }

    // F07: each message one to five times, in any order, and again after the person has signed in once more.
    [WithBrokerFact]
    public async Task Messages_that_come_twice_late_and_in_any_order_end_nobody_else_and_bring_nobody_back()
    {
        await using var world = await BusWorld.StartAsync("twice");
        var (before, bob) = (new List<Browser>(), await world.SignInAsync("bob"));
        for (var i = 0; i < 5; i++)
        {
            before.Add(await world.SignInAsync($"user-{i}"));
        }

        await world.HealthyAsync();
        for (var i = 0; i < 5; i++)
        {
            await world.LogOutAsync($"user-{i}");
            await BusWorld.RefusedAsync(before[i], Bound);
        }

        var after = await world.SignInAsync("user-0");
        var rows = await world.Store.QueryAsync("select position, kind, key from eventauth.revocation where kind <> 4 order by position");
        var copies = rows.SelectMany((row, i) => Enumerable.Repeat(row, 1 + (i * 3 % 5))).Select((row, i) => (row, at: i * 7919 % 31)).OrderBy(c => c.at).Select(c => c.row).ToList();
        var heard = world.Heard.Count;
        foreach (var row in copies)
        {
            await world.Bus.Publish(new Messages.SubjectRevoked
            {
                Position = long.Parse(row[0], null),
                Kind = (RevocationKind)short.Parse(row[1], null),
                Key = Guid.Parse(row[2]),
                CommittedAt = TimeProvider.System.GetUtcNow(),
            });
        }

        await Until.TrueAsync("all copies were heard", () => world.Heard.Count >= heard + copies.Count);
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [(await after.CallAsync()).StatusCode, (await bob.CallAsync()).StatusCode]);
        foreach (var browser in before)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);
        }
    }

    private static Task UnpublishedAsync(BusWorld world, int rows) => Until.TrueAsync($"{rows} rows wait for the broker", async () =>
        (await world.Store.QueryAsync("select count(*) from eventauth.revocation where published_at is null"))[0][0] == $"{rows}");

    // Nothing is started again: the outbox drains, everybody publishes, and what is published is heard.
    private static async Task HealedAsync(BusWorld world)
    {
        await world.HealthyAsync();
        await UnpublishedAsync(world, 0);
        await Until.TrueAsync("publishing works", async () => (await BusWorld.StatusAsync(world.World.Logout)).GetProperty("publishing").GetString() == "ok"
            && (await BusWorld.StatusAsync(world.Gateway)).GetProperty("publishing").GetString() == "ok");
        var heard = world.Heard.Count;
        await world.LogOutAsync("somebody");
        await Until.TrueAsync("a message is heard", () => world.Heard.Count > heard);
        await Until.TrueAsync("nothing waits by the gauge", async () => await BusWorld.MetricAsync(world.World.Logout, "eventauth_outbox_backlog") == 0);
    }
}
