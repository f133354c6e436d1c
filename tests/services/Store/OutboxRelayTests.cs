using System.Collections.Concurrent;
using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Telemetry;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using MassTransit;
using Microsoft.Extensions.Logging.Abstractions;
using Messages = EventAuth.Contracts.Messages;

namespace EventAuth.Services.Tests.Store;

/// <summary>What goes from the outbox to the bus.</summary>
public sealed class OutboxRelayTests(LiveStore store) : IClassFixture<LiveStore>
{
    // A broker that is added later, or comes back after hours, must not hear the whole past.
    [StoreFact]
    public async Task What_nobody_could_be_told_in_time_is_marked_and_not_published()
    {
        await store.ExecuteAsync("""
            select {own}.announce({own}.draw_position(), 1::smallint, gen_random_uuid(), 'test', gen_random_uuid()) from generate_series(1, 3)
            """);
        await store.ExecuteAsync("update {own}.revocation set committed_at = clock_timestamp() - interval '11 minutes' where position < 3");
        var published = new Published();
        var bus = Bus.Factory.CreateUsingInMemory(_ => { });
        bus.ConnectPublishObserver(published);
        await bus.StartAsync();
        var (schema, outbox) = (new Schema(store.Database), new Outbox(store.Database));
        await schema.ApplyAsync(default);
        using var signal = new OutboxSignal();
        using var metrics = new Metrics();
        using var relay = new OutboxRelay(
            schema, outbox, signal, bus, new RelayState(metrics), metrics, Failpoints.FromEnvironment(), TimeProvider.System, NullLogger<OutboxRelay>.Instance);

        await relay.StartAsync(default);
        await Until.TrueAsync("the outbox is empty", async () => await outbox.BacklogAsync(default) == 0);
        await relay.StopAsync(default);
        await bus.StopAsync();

        Assert.Equal([3], published.Positions);
    }

    private sealed class Published : IPublishObserver
    {
        public ConcurrentQueue<long> Positions { get; } = [];

        public Task PrePublish<T>(PublishContext<T> context) where T : class => Task.CompletedTask;

        public Task PostPublish<T>(PublishContext<T> context) where T : class
        {
            Positions.Enqueue(((Messages.SubjectRevoked)(object)context.Message).Position);
            return Task.CompletedTask;
        }

        public Task PublishFault<T>(PublishContext<T> context, Exception exception) where T : class => Task.CompletedTask;
    }
}
