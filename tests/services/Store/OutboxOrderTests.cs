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

/// <summary>In which order rows go out, and what is left after a relay died at each arrow of its way.</summary>
public sealed class OutboxOrderTests(LiveStore store) : IClassFixture<LiveStore>, IAsyncLifetime
{
    private readonly IBusControl _bus = Bus.Factory.CreateUsingInMemory(_ => { });
    private readonly Recorder _seen = new();
    private readonly List<IDisposable> _toDispose = [];

    public async Task InitializeAsync()
    {
        _bus.ConnectPublishObserver(_seen);
        await _bus.StartAsync();
        if (TestStore.IsConfigured)
        {
            await store.ExecuteAsync("update {own}.revocation set published_at = clock_timestamp() where published_at is null");
        }
    }

    public async Task DisposeAsync()
    {
        _toDispose.ForEach(d => d.Dispose());
        await _bus.StopAsync();
    }

    [StoreFact]
    public async Task The_rows_of_a_key_go_out_in_the_order_of_their_positions_over_two_relays_and_at_most_16_at_once_from_each()
    {
        var keys = Enumerable.Range(0, 10).Select(_ => Guid.CreateVersion7()).ToArray();
        await AnnounceAsync([.. Enumerable.Range(0, 300).Select(i => keys[i * 7 % 10])]);

        await using var first = await StartAsync(Failpoints.FromEnvironment());
        await using var second = await StartAsync(Failpoints.FromEnvironment());
        await UntilPublishedAsync();

        var seen = _seen.Messages.ToList();
        Assert.Equal(300, seen.Select(m => m.Position).Distinct().Count());
        Assert.All(seen.GroupBy(m => m.Key), of => Assert.Equal(of.Select(m => m.Position).Order(), of.Select(m => m.Position)));
        Assert.InRange(_seen.MostAtOnce, 2, 32);
    }

    [StoreFact]
    public async Task Rows_of_different_keys_go_out_at_once_but_no_more_than_16()
    {
        await AnnounceAsync([.. Enumerable.Range(0, 90).Select(_ => Guid.CreateVersion7())]);

        await using var relay = await StartAsync(Failpoints.FromEnvironment());
        await UntilPublishedAsync();

        Assert.InRange(_seen.MostAtOnce, 8, 16);
    }

    // F30: the process dies before it publishes, before the broker has confirmed, and before the row is marked.
    [StoreTheory]
    [InlineData(Failpoints.RelayBeforePublish, 1)]
    [InlineData(Failpoints.RelayBeforeConfirm, 1)]
    [InlineData(Failpoints.RelayBeforeMark, 2)]
    public async Task A_relay_that_dies_at_this_point_loses_nothing_and_the_next_one_takes_over(string point, int published)
    {
        await AnnounceAsync(Guid.CreateVersion7());
        var died = new TaskCompletionSource();
        var failpoints = Failpoints.FromEnvironment();
        failpoints.Set(point, () =>
        {
            died.TrySetResult();
            return Task.FromException(new FailpointException(point));
        });
        await using (await StartAsync(failpoints, TimeSpan.FromSeconds(2)))
        {
            await died.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }

        Assert.Equal(1, await Outbox.BacklogAsync(default));
        await using var next = await StartAsync(Failpoints.FromEnvironment());
        await UntilPublishedAsync();

        Assert.True(_seen.Messages.Count >= published, $"published {_seen.Messages.Count} times");
    }

    [StoreFact]
    public async Task A_row_is_marked_only_after_the_broker_has_confirmed_it()
    {
        await AnnounceAsync(Guid.CreateVersion7());
        var (reached, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        var failpoints = Failpoints.FromEnvironment();
        failpoints.Set(Failpoints.RelayBeforeConfirm, () =>
        {
            reached.TrySetResult();
            return goOn.Task;
        });

        await using var relay = await StartAsync(failpoints);
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(1, await Outbox.BacklogAsync(default));
        goOn.SetResult();

        await UntilPublishedAsync();
        Assert.Single(_seen.Messages);
    }

    [StoreFact]
    public async Task What_the_broker_refuses_is_not_marked_and_is_published_later()
    {
        await AnnounceAsync(Guid.CreateVersion7(), Guid.CreateVersion7());
        _seen.Refuses = 1;

        await using var relay = await StartAsync(Failpoints.FromEnvironment());
        await UntilPublishedAsync();

        Assert.Equal(2, _seen.Messages.Select(m => m.Position).Distinct().Count());
    }

    // One stumble of the relay ended the whole service.
    [StoreFact]
    public async Task What_goes_wrong_once_does_not_end_the_relay()
    {
        await AnnounceAsync(Guid.CreateVersion7());
        var failpoints = Failpoints.FromEnvironment();
        failpoints.Set(Failpoints.RelayBeforeMark, () =>
        {
            failpoints.Set(Failpoints.RelayBeforeMark, null);
            return Task.FromException(new FailpointException("once"));
        });

        await using var relay = await StartAsync(failpoints, TimeSpan.FromSeconds(2));

        await UntilPublishedAsync();
    }

    private Outbox Outbox => new(store.Database);

    private Task UntilPublishedAsync() => Until.TrueAsync("the outbox is empty", async () => await Outbox.BacklogAsync(default) == 0);

    private async Task<Running> StartAsync(Failpoints failpoints, TimeSpan? claim = null)
    {
        var database = store.Open();
        var (schema, signal, metrics) = (new Schema(database), new OutboxSignal(), new Metrics());
        await schema.ApplyAsync(default);
        var relay = new OutboxRelay(schema, new Outbox(database), signal, _bus, new RelayState(metrics), metrics, failpoints,
            TimeProvider.System, NullLogger<OutboxRelay>.Instance)
        { ClaimFor = claim ?? TimeSpan.FromSeconds(15) };
        _toDispose.AddRange([relay, signal, metrics]);
        await relay.StartAsync(default);
        return new Running(relay);
    }

    private Task AnnounceAsync(params Guid[] keys) => store.ExecuteAsync("""
        select {own}.announce({own}.draw_position(), 1::smallint, key, 'test', gen_random_uuid())
        from unnest($1::uuid[]) with ordinality as k (key, i) order by i
        """, keys);

    private sealed record Running(OutboxRelay Relay) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await Relay.StopAsync(default);
    }

    /// <summary>A broker that takes its time, now more, now less, and remembers what it was given in which order.</summary>
    private sealed class Recorder : IPublishObserver
    {
        private int _now;
        private int _most;
        private int _refuses;

        /// <summary>So many messages from now on are not taken.</summary>
        public int Refuses { set => _refuses = value; }

        public ConcurrentQueue<Messages.SubjectRevoked> Messages { get; } = [];

        public int MostAtOnce => _most;

        public async Task PrePublish<T>(PublishContext<T> context) where T : class
        {
            var now = Interlocked.Increment(ref _now);
            InterlockedMax(ref _most, now);
            if (Interlocked.Decrement(ref _refuses) >= 0)
            {
                Interlocked.Decrement(ref _now);
                throw new InvalidOperationException("not taken");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(1 + (((Messages.SubjectRevoked)(object)context.Message).Position * 7 % 5)));
        }

        public Task PostPublish<T>(PublishContext<T> context) where T : class
        {
            Messages.Enqueue((Messages.SubjectRevoked)(object)context.Message);
            Interlocked.Decrement(ref _now);
            return Task.CompletedTask;
        }

        public Task PublishFault<T>(PublishContext<T> context, Exception exception) where T : class => Task.CompletedTask;

        private static void InterlockedMax(ref int most, int value)
        {
            int known;
            while ((known = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, known) != known)
            {
                // Somebody else was faster.
            }
        }
    }
}
