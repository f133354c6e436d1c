using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;

namespace EventAuth.Gateway.Cache;

/// <summary>Writes which sessions were used, in one statement every 15 s: never one write per request.</summary>
internal sealed class ActivityWriter(SessionCache cache, Activity activity, TimeProvider clock, ILogger<ActivityWriter> log)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var written = clock.GetUtcNow().ToUnixTimeSeconds();
        using var timer = new PeriodicTimer(Period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken).AsTask().ConfigureAwait(false))
        {
            // A request of this very second may come after we looked: it belongs to the next batch.
            var until = clock.GetUtcNow().ToUnixTimeSeconds() - 1;
            var seen = cache.SeenAfter(written);
            try
            {
                await activity.WriteAsync(seen.ConvertAll(s => (s.SessionId, DateTimeOffset.FromUnixTimeSeconds(s.SeenAt))), stoppingToken);
                written = until;
            }
            catch (StoreUnavailableException e)
            {
                log.ActivityUnwritten(seen.Count, e.InnerException?.Message ?? e.Message);
            }
        }
    }
}
