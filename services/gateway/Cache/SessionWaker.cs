using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// Brings the check of a session that is used again after a rest forward, in one statement for all of a moment. No request
/// waits for it; the revalidator sees it at its next look.
/// </summary>
internal sealed class SessionWaker(
    RestedSessions rested, Activity activity, EventAuthSettings settings, TimeProvider clock, ILogger<SessionWaker> log)
    : BackgroundService
{
    private const int Chunk = 1000;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(200);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await rested.AnyAsync(stoppingToken))
        {
            await Task.Delay(Gather, clock, stoppingToken);
            try
            {
                await activity.WriteAsync(rested.Take(Chunk), clock.GetUtcNow(), settings.Revalidation.Interval, stoppingToken);
            }
            catch (Exception e) when (e is StoreUnavailableException or StreamConflictException)
            {
                // The same uses are written again with the activity of the next seconds.
                log.ActivityUnwritten(e.InnerException?.Message ?? e.Message);
            }
        }
    }
}
