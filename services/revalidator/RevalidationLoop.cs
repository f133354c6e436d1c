using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;

namespace EventAuth.Revalidator;

/// <summary>
/// Keeps a lane for each issuer that is configured or that live sessions are of, and says how the checks stand.
/// </summary>
public sealed class RevalidationLoop(
    DueSessions due,
    DueOverview overview,
    SessionCheck check,
    StorePause pause,
    ProviderHealth health,
    Schema schema,
    ServiceState state,
    Metrics metrics,
    EventAuthSettings settings,
    TimeProvider clock,
    ILogger<RevalidationLoop> log) : BackgroundService
{
    private static readonly TimeSpan FiguresPeriod = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, Task> _running = new(StringComparer.Ordinal);
    private readonly RevalidationProgress _progress = new(health, pause, settings, clock, log);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        state.Show("revalidation", _progress.Describe);
        if (settings.Revalidation.Interval <= TimeSpan.Zero)
        {
            log.Disabled();
            return;
        }

        state.Require("revalidation", () => pause.Holds ? "the event store is away" : null);
        _progress.Measure(metrics);
        await schema.Applied.WaitAsync(stoppingToken);
        foreach (var provider in settings.Providers)
        {
            Start(provider.Issuer, stoppingToken);
        }

        while (!stoppingToken.IsCancellationRequested)
        {
            await LookAsync(stoppingToken);
            await Task.Delay(FiguresPeriod, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(_running.Values);
    }

    private async Task LookAsync(CancellationToken ct)
    {
        try
        {
            var figures = await overview.ReadAsync(clock.GetUtcNow(), ct);
            foreach (var issuer in figures.Select(f => f.Issuer).Where(i => !_running.ContainsKey(i)))
            {
                // Of an issuer that left the settings: the lane raises the alarm for each of its sessions.
                Start(issuer, ct);
            }

            _progress.Update(figures);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            pause.Begin(e);
        }
        catch (OperationCanceledException)
        {
            // The process is being stopped.
        }
    }

    private void Start(string issuer, CancellationToken ct)
    {
        var lane = new IssuerLane(issuer, due, check, pause, metrics, settings, clock, log);
        _progress.Add(lane);
        _running[issuer] = Task.Run(() => lane.RunAsync(ct), CancellationToken.None);
    }
}
