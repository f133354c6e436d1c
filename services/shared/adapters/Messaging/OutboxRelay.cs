using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using MassTransit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using BusMessages = EventAuth.Contracts.Messages;

namespace EventAuth.Adapters.Messaging;

/// <summary>
/// Feed rows → bus, after their commit. Every service runs it; rows are claimed so that normally one publishes each.
///   1. A row is marked only after the broker confirmed it: a crash in between publishes again, never not at all.
///   2. The rows of one key go out one after the other, in the order of their positions, also over several relays (see
///      <see cref="Outbox"/>); nobody publishes on a claim that is more than half over. Rows of different keys go out at once.
///   3. Every publish has a time limit (without one it can block for minutes while the broker is away), and after a failure
///      the batch's rest is given back and the relay rests: the broker is only the hint, the gateways read the feed themselves.
///   4. What the broker missed for long is not told later (see <see cref="Outbox.Useful"/>).
///   5. Nothing that goes wrong here ends the service.
/// </summary>
public sealed class OutboxRelay(
    Schema schema, Outbox outbox, OutboxSignal signal, IBusControl bus, RelayState state, Metrics metrics, Failpoints failpoints,
    TimeProvider clock, ILogger<OutboxRelay> log) : BackgroundService
{
    private const int BatchSize = 100;
    private const int InFlight = 16;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PublishLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CountEvery = TimeSpan.FromSeconds(5);
    private long? _countedAt;

    /// <summary>How long a process that died keeps others from publishing what it had claimed.</summary>
    public TimeSpan ClaimFor { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>What became of a batch.</summary>
    private sealed class Progress(long startedAt)
    {
        private readonly HashSet<long> _done = [];

        public long StartedAt => startedAt;

        /// <summary>The first failure.</summary>
        public Exception? Problem { get; private set; }

        public int Published { get; private set; }

        public IReadOnlySet<long> Done => _done;

        public void Skipped(long position) => _done.Add(position);

        public void Confirmed(long position)
        {
            lock (_done)
            {
                _done.Add(position);
                Published++;
            }
        }

        public void Failed(Exception problem)
        {
            lock (_done)
            {
                Problem ??= problem;
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.Applied.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            var more = false;
            try
            {
                more = await RelayAsync(stoppingToken);
                await CountAsync(stoppingToken);
            }
            catch (Exception e) when (e is StoreUnavailableException or StreamConflictException)
            {
                // Away (whoever reads the feed says so already) or a deadlock: the rows wait.
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                log.RelayStumbled(e);
            }

            if (state.FailingSince is not null)
            {
                await Task.Delay(Poll, clock, stoppingToken);
            }
            else if (!more)
            {
                await signal.WaitAsync(Poll, clock, stoppingToken);
            }
        }
    }

    /// <summary>One batch; true when there may be more.</summary>
    private async Task<bool> RelayAsync(CancellationToken ct)
    {
        var progress = new Progress(clock.GetTimestamp());
        var rows = await outbox.ClaimAsync(BatchSize, ClaimFor, ct);
        if (rows.Count == 0)
        {
            await LookAgainAsync(ct);
            return false;
        }

        foreach (var row in rows.Where(r => r.TooLate))
        {
            progress.Skipped(row.Position);
        }

        await Parallel.ForEachAsync(rows.Where(r => !r.TooLate).Select(r => r.Row).GroupBy(r => r.Key),
            new ParallelOptions { MaxDegreeOfParallelism = InFlight },
            (key, _) => PublishInOrderAsync(key, progress, ct));
        Tell(progress);
        await failpoints.ReachedAsync(Failpoints.RelayBeforeMark);

        // Not with the caller's token: what was confirmed is marked while stopping too. The store's own limit bounds it.
        await outbox.MarkAsync([.. progress.Done], CancellationToken.None);
        if (progress.Done.Count < rows.Count)
        {
            await outbox.ReleaseAsync([.. rows.Where(r => !progress.Done.Contains(r.Position))], CancellationToken.None);
        }

        return rows.Count == BatchSize && progress.Problem is null;
    }

    private async ValueTask PublishInOrderAsync(IEnumerable<Revocation> rows, Progress progress, CancellationToken ct)
    {
        foreach (var row in rows)
        {
            if (ct.IsCancellationRequested || progress.Problem is not null || clock.GetElapsedTime(progress.StartedAt) > ClaimFor / 2)
            {
                return;
            }

            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
                limit.CancelAfter(PublishLimit);
                await failpoints.ReachedAsync(Failpoints.RelayBeforePublish);
                var confirmed = PublishAsync(row, limit.Token);
                await failpoints.ReachedAsync(Failpoints.RelayBeforeConfirm);
                await confirmed;
                progress.Confirmed(row.Position);
            }
            catch (Exception e)
            {
                // Told to stop, it is no failure of the broker.
                if (!ct.IsCancellationRequested)
                {
                    progress.Failed(e);
                }

                return;
            }
        }
    }

    private void Tell(Progress progress)
    {
        metrics.Published(progress.Published);
        if (progress.Problem is { } problem)
        {
            metrics.PublishFailed();
            if (state.FailingSince is null)
            {
                state.FailingSince = clock.GetUtcNow();
                log.BrokerAway(problem.Message);
            }
        }
        else if (progress.Published > 0 && state.FailingSince is not null)
        {
            state.FailingSince = null;
            log.BrokerBack();
        }
    }

    // Another process may have published what this one could not: then nothing is left that would show that it works again.
    private async Task LookAgainAsync(CancellationToken ct)
    {
        if (state.FailingSince is not null && bus.CheckHealth().Status == BusHealthStatus.Healthy && await outbox.BacklogAsync(ct) == 0)
        {
            state.FailingSince = null;
            log.BrokerBack();
        }
    }

    private async Task CountAsync(CancellationToken ct)
    {
        if (_countedAt is not { } last || clock.GetElapsedTime(last) >= CountEvery)
        {
            state.Backlog = await outbox.BacklogAsync(ct);
            _countedAt = clock.GetTimestamp();
        }
    }

    private Task PublishAsync(Revocation row, CancellationToken ct) => row.Kind == RevocationKind.Changed
        ? bus.Publish(new BusMessages.SessionChanged
        {
            Position = row.Position,
            SessionId = row.Key,
            CommittedAt = row.CommittedAt,
        }, ct)
        : bus.Publish(new BusMessages.SubjectRevoked
        {
            Position = row.Position,
            Kind = row.Kind,
            Key = row.Key,
            CommittedAt = row.CommittedAt,
        }, ct);
}
