using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// Writes which sessions were used, in one statement every 15 s: never one write per request. Learns thereby when the IdP last
/// stood by each, which no event tells.
/// </summary>
internal sealed class ActivityWriter(
    SessionCache cache, Activity activity, EventAuthSettings settings, TimeProvider clock, ILogger<ActivityWriter> log) : BackgroundService
{
    private const int Chunk = 1000;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);
    private long _written;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _written = clock.GetUtcNow().ToUnixTimeSeconds();
        using var timer = new PeriodicTimer(Period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await WriteAsync(stoppingToken);
            }
            catch (Exception e) when (e is StoreUnavailableException or StreamConflictException)
            {
                log.ActivityUnwritten(e.InnerException?.Message ?? e.Message);
            }
        }
    }

    // Oldest first and some at a time: what was written stays written when a later part fails.
    private async Task WriteAsync(CancellationToken ct)
    {
        // A request of this very second may come after we looked: it belongs to the next round.
        var until = clock.GetUtcNow().ToUnixTimeSeconds() - 1;
        var seen = cache.SeenAfter(_written).Where(s => s.SeenAt <= until).OrderBy(s => s.SeenAt).ToList();
        foreach (var chunk in seen.Chunk(Chunk))
        {
            var verified = await activity.WriteAsync([.. chunk.Select(s => (s.SessionId, DateTimeOffset.FromUnixTimeSeconds(s.SeenAt)))],
                clock.GetUtcNow(), settings.Revalidation.Interval, ct);
            cache.Verified(verified);
            _written = chunk[^1].SeenAt - 1;
        }

        _written = Math.Max(_written, until);
    }
}
