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
///   2. Positions go out in order within a batch; readers keep the highest, so order across processes does not matter.
///   3. Every publish has a time limit (without one it can block for minutes while the broker is away), and after a failure
///      the relay rests: the broker is only the hint, the gateways read the feed by themselves.
///   4. What the broker missed for long is not told later (see <see cref="Outbox.Useful"/>).
/// </summary>
public sealed class OutboxRelay(
    Schema schema, Outbox outbox, OutboxSignal signal, IBus bus, Metrics metrics, Failpoints failpoints, TimeProvider clock,
    ILogger<OutboxRelay> log) : BackgroundService
{
    private const int BatchSize = 100;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PublishLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ClaimFor = TimeSpan.FromSeconds(15);
    private bool _failing;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.Applied.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            var more = false;
            try
            {
                more = await RelayAsync(stoppingToken);
            }
            catch (Exception e) when (e is StoreUnavailableException or StreamConflictException)
            {
                // Away (whoever reads the feed says so already) or a deadlock: the rows wait.
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            if (!more)
            {
                await signal.WaitAsync(Poll, clock, stoppingToken);
            }
        }
    }

    /// <summary>One batch; true when there may be more.</summary>
    private async Task<bool> RelayAsync(CancellationToken ct)
    {
        var rows = await outbox.ClaimAsync(BatchSize, ClaimFor, ct);
        if (rows.Count == 0)
        {
            return false;
        }

        var stale = clock.GetUtcNow() - Outbox.Useful;
        var done = rows.Where(r => r.CommittedAt < stale).Select(r => r.Position).ToList();
        var skipped = done.Count;
        try
        {
            foreach (var row in rows.Where(r => r.CommittedAt >= stale))
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
                limit.CancelAfter(PublishLimit);
                await failpoints.ReachedAsync(Failpoints.RelayBeforePublish);
                var confirmed = PublishAsync(row, limit.Token);
                await failpoints.ReachedAsync(Failpoints.RelayBeforeConfirm);
                await confirmed;
                done.Add(row.Position);
            }

            if (_failing && done.Count > skipped)
            {
                _failing = false;
                log.BrokerBack();
            }
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            metrics.PublishFailed();
            if (!_failing)
            {
                _failing = true;
                log.BrokerAway(e.Message);
            }
        }

        await failpoints.ReachedAsync(Failpoints.RelayBeforeMark);
        await outbox.MarkAsync(done, ct);
        if (done.Count < rows.Count)
        {
            await outbox.ReleaseAsync(rows.Select(r => r.Position).Except(done).ToList(), ct);
        }

        metrics.Published(done.Count - skipped);
        return rows.Count == BatchSize && done.Count == rows.Count;
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
