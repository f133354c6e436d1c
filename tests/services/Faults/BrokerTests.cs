using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Messages = EventAuth.Contracts.Messages;

namespace EventAuth.Services.Tests.Faults;

/// <summary>The broker makes revocations fast; nothing depends on it.</summary>
[Collection(BusWorld.Collection)]
public sealed class BrokerTests
{
    // The poll is slow here and the row comes without a NOTIFY: who refuses at once has heard the bus.
    [WithBrokerFact]
    public async Task A_message_makes_the_gateway_read_the_feed_at_once()
    {
        await using var store = await TestStore.CreateAsync("broker");
        await using var world = await World.StartAsync(store, settings: new Dictionary<string, string>
        {
            ["rabbitmq.url"] = TestBroker.Url,
            ["revocation.bound"] = "60s",
            ["revocation.pollInterval"] = "59s",
        });
        var (browser, subject) = await SignedInAsync(world);
        var bus = world.Gateways[0].Services.GetRequiredService<IBusControl>();
        await Until.TrueAsync("the bus has started", () => bus.CheckHealth().Status == BusHealthStatus.Healthy);
        await store.ExecuteAsync($"""
            insert into eventauth.revocation (position, kind, key, stream_id, event_id, committed_at, published_at)
            values (1000000, 1, '{subject.Key.Value}', 'test', gen_random_uuid(), now(), now())
            """);
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);

        await bus.Publish(Message(subject, 1_000_000));

        await Until.TrueAsync("the gateway refuses", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
    }

    // A queue that outlived its database, or somebody who may publish: only the feed can end a session.
    [WithBrokerFact]
    public async Task A_message_about_something_that_was_never_committed_ends_nobody()
    {
        await using var store = await TestStore.CreateAsync("forged");
        await using var world = await World.StartAsync(store, settings: new Dictionary<string, string>
        {
            ["rabbitmq.url"] = TestBroker.Url,
        });
        var (browser, subject) = await SignedInAsync(world);
        var bus = world.Gateways[0].Services.GetRequiredService<IBusControl>();
        await Until.TrueAsync("the bus has started", () => bus.CheckHealth().Status == BusHealthStatus.Healthy);
        var seen = new TaskCompletionSource();
        bus.ConnectConsumeObserver(new Seen(seen));

        await bus.Publish(Message(subject, 1_000_000));
        await seen.Task.WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
    }

    [WithBrokerFact]
    public async Task The_outbox_publishes_what_was_committed_and_marks_it()
    {
        await using var store = await TestStore.CreateAsync("outbox");
        await using var world = await World.StartAsync(store, settings: new Dictionary<string, string>
        {
            ["rabbitmq.url"] = TestBroker.Url,
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

    private static Messages.SubjectRevoked Message(Subject subject, long position) => new()
    {
        Position = position,
        Kind = RevocationKind.Subject,
        Key = subject.Key.Value,
        CommittedAt = TimeProvider.System.GetUtcNow(),
    };

    private static async Task<(Browser, Subject)> SignedInAsync(World world)
    {
        world.Idp.SignInAs(new StubUser("alice"));
        var browser = world.NewBrowser();
        await browser.OpenAsync();
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        return (browser, new Subject(world.Idp.Issuer, "alice"));
    }

    /// <summary>Tells when a message was taken.</summary>
    private sealed class Seen(TaskCompletionSource done) : IConsumeObserver
    {
        public Task PreConsume<T>(ConsumeContext<T> context)
            where T : class => Task.CompletedTask;

        public Task PostConsume<T>(ConsumeContext<T> context)
            where T : class
        {
            done.TrySetResult();
            return Task.CompletedTask;
        }

        public Task ConsumeFault<T>(ConsumeContext<T> context, Exception exception)
            where T : class
        {
            done.TrySetException(exception);
            return Task.CompletedTask;
        }
    }
}
