using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Messages = EventAuth.Contracts.Messages;

namespace EventAuth.Services.Tests.Faults;

/// <summary>The broker makes revocations fast; nothing depends on it.</summary>
public sealed class BrokerTests
{
    private const string Variable = "EVENTAUTH_TEST_AMQP";

    [BrokerFact]
    public async Task A_message_ends_a_session_before_the_feed_has_told_of_it()
    {
        await using var store = await TestStore.CreateAsync("broker");
        await using var world = await World.StartAsync(store, settings: new Dictionary<string, string>
        {
            ["rabbitmq.url"] = Environment.GetEnvironmentVariable(Variable)!,
            ["instance"] = "broker-test",
        });
        var (browser, subject) = await SignedInAsync(world);
        var bus = world.Gateways[0].Services.GetRequiredService<IBusControl>();
        await Until.TrueAsync("the bus has started", () => bus.CheckHealth().Status == BusHealthStatus.Healthy);

        // Only the message exists, no row of the feed: whoever refuses now has heard the bus.
        await bus.Publish(new Messages.SubjectRevoked
        {
            Position = 1_000_000,
            Kind = RevocationKind.Subject,
            Key = subject.Key.Value,
            CommittedAt = TimeProvider.System.GetUtcNow(),
        });

        await Until.TrueAsync("the gateway refuses", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
    }

    [BrokerFact]
    public async Task The_outbox_publishes_what_was_committed_and_marks_it()
    {
        await using var store = await TestStore.CreateAsync("outbox");
        await using var world = await World.StartAsync(store, settings: new Dictionary<string, string>
        {
            ["rabbitmq.url"] = Environment.GetEnvironmentVariable(Variable)!,
        });

        await world.Idp.SendLogoutTokenAsync(new Uri(world.Logout.Public, "/backchannel-logout"), "alice", null, CancellationToken.None);

        await Until.TrueAsync("the row is marked", async () =>
            (await store.QueryAsync("select count(*) from eventauth.revocation where published_at is not null"))[0][0] == "1");
    }

    // F01: nobody listens on the broker's port, from the very start.
    [StoreFact]
    public async Task Without_a_broker_everything_starts_and_a_logout_arrives_by_the_feed()
    {
        await using var store = await TestStore.CreateAsync("nobroker");
        await using var world = await World.StartAsync(store, settings: new Dictionary<string, string>
        {
            ["rabbitmq.url"] = "amqp://guest:guest@127.0.0.1:1",
        });
        var (browser, _) = await SignedInAsync(world);

        var status = await world.Idp.SendLogoutTokenAsync(new Uri(world.Logout.Public, "/backchannel-logout"), "alice", null, CancellationToken.None);

        Assert.Equal(200, status);
        await Until.TrueAsync("the gateway refuses", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
    }

    private static async Task<(Browser, Subject)> SignedInAsync(World world)
    {
        world.Idp.SignInAs(new StubUser("alice"));
        var browser = world.NewBrowser();
        await browser.OpenAsync();
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        return (browser, new Subject(world.Idp.Issuer, "alice"));
    }

    /// <summary>A test that needs RabbitMQ too: skipped at home without one, never in CI.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class BrokerFactAttribute : FactAttribute
    {
        public BrokerFactAttribute()
        {
            var configured = TestStore.IsConfigured
                && (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } || Environment.GetEnvironmentVariable("CI") == "true");
            Skip = configured ? null : $"{Variable} names no broker (tests/run starts one)";
        }
    }
}
