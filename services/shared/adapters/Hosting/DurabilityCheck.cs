using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Hosting;

/// <summary>
/// "Committed" means what the store's settings make of it: without <c>fsync</c> or <c>synchronous_commit</c> a crash of the
/// store can lose revocations that were acknowledged, and so can a failover to a standby that is not synchronous. Shown, and
/// warned of; whether that matters is the operator's business.
/// </summary>
internal sealed class DurabilityCheck : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);
    private readonly Schema _schema;
    private readonly Database _database;
    private readonly TimeProvider _clock;
    private readonly ILogger<DurabilityCheck> _log;
    private volatile Durability? _last;

    public DurabilityCheck(
        Schema schema, Database database, ServiceState state, Metrics metrics, TimeProvider clock, ILogger<DurabilityCheck> log)
    {
        (_schema, _database, _clock, _log) = (schema, database, clock, log);
        metrics.Gauge("eventauth_store_durable", "1 when the store's settings keep what it has acknowledged over a crash; -1 before the first look",
            () => _last is { } last ? Convert.ToDouble(last.Holds) : -1);
        state.Show("durability", () => _last);
    }

    /// <param name="Fsync">A crash of the machine loses nothing that was written.</param>
    /// <param name="SynchronousCommit">An acknowledgement waits for the disk, and for a synchronous standby when there is one.</param>
    /// <param name="SynchronousStandbys">To these a failover loses nothing; none: only the primary's disk holds what was acknowledged.</param>
    private sealed record Durability(string Fsync, string SynchronousCommit, string SynchronousStandbys)
    {
        /// <summary>Whether a crash of the primary keeps every acknowledged revocation.</summary>
        public bool Holds => Fsync == "on" && SynchronousCommit is not "off";
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await _schema.Applied.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                Tell(await LookAsync(stoppingToken));
            }
            catch (StoreUnavailableException)
            {
                // Whoever needs the store says so.
            }

            await Task.Delay(Pause, _clock, stoppingToken);
        }
    }

    private Task<Durability> LookAsync(CancellationToken ct) => PostgresErrors.MapAsync("durability", async () =>
    {
        await using var command = _database.Command("""
            select current_setting('fsync'), current_setting('synchronous_commit'), current_setting('synchronous_standby_names')
            """);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new Durability(reader.GetString(0), reader.GetString(1), reader.GetString(2));
    }, ct);

    private void Tell(Durability now)
    {
        if (!now.Holds && _last is not { Holds: false })
        {
            _log.NotDurable(now.Fsync, now.SynchronousCommit);
        }

        _last = now;
    }
}
