using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventAuth.Adapters.Hosting;

/// <summary>
/// Compares this machine's wall clock with the store's, and tells operators. Not a condition of readiness: revocation rests on
/// the order of the feed and on monotonic time, and only the expiry of sessions and tokens follows the wall clock. A wrong
/// clock everywhere at once would otherwise take the whole service away.
/// </summary>
internal sealed class ClockCheck : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Alarm = TimeSpan.FromSeconds(60);
    private readonly Schema _schema;
    private readonly Database _database;
    private readonly TimeProvider _clock;
    private readonly ILogger<ClockCheck> _log;
    private volatile Measurement? _last;

    public ClockCheck(Schema schema, Database database, ServiceState state, Metrics metrics, TimeProvider clock, ILogger<ClockCheck> log)
    {
        (_schema, _database, _clock, _log) = (schema, database, clock, log);
        metrics.Gauge("eventauth_clock_skew_seconds", "This machine's wall clock minus the store's; NaN before the first measurement",
            () => _last?.Skew.TotalSeconds ?? double.NaN);
        state.Show("clock", () => new
        {
            skewMilliseconds = (long?)_last?.Skew.TotalMilliseconds,
            measuredAt = _last?.StoreTime,
            alarm = _last?.IsOff ?? false,
        });
    }

    /// <param name="Skew">Our clock minus the store's, right to half a round trip.</param>
    private sealed record Measurement(TimeSpan Skew, DateTimeOffset StoreTime)
    {
        public bool IsOff => Skew.Duration() > Alarm;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await _schema.Applied.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                Tell(await MeasureAsync(stoppingToken));
            }
            catch (StoreUnavailableException)
            {
                // Whoever needs the store says so; the age of the last measurement shows it.
            }

            await Task.Delay(Pause, _clock, stoppingToken);
        }
    }

    private Task<Measurement> MeasureAsync(CancellationToken ct) => PostgresErrors.MapAsync("clock", async () =>
    {
        await using var connection = await _database.FeedSource.OpenConnectionAsync(ct);
        await using var command = new NpgsqlCommand("select clock_timestamp()", connection);
        var (before, startedAt) = (_clock.GetUtcNow(), _clock.GetTimestamp());
        var storeTime = new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(ct))!);
        var middle = before + (_clock.GetElapsedTime(startedAt) / 2);
        return new Measurement(middle - storeTime, storeTime);
    }, ct);

    private void Tell(Measurement now)
    {
        var wasOff = _last?.IsOff ?? false;
        _last = now;
        if (now.IsOff && !wasOff)
        {
            _log.ClockIsOff(now.Skew.TotalSeconds);
        }
        else if (wasOff && !now.IsOff)
        {
            _log.ClockIsRight(now.Skew.TotalSeconds);
        }
    }
}
