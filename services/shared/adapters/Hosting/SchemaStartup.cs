using EventAuth.Adapters.Postgres;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Hosting;

/// <summary>Creates or finds the tables, again and again until the store answers; the service is up meanwhile but not ready.</summary>
public sealed partial class SchemaStartup(Schema schema, ServiceState state, TimeProvider clock, ILogger<SchemaStartup> log)
    : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        state.Require("store", () => schema.Applied.IsCompleted ? null : "the event store has not answered yet");
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await schema.ApplyAsync(stoppingToken);
                return;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogWaiting(log, e.Message);
                await Task.Delay(Pause, clock, stoppingToken);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Waiting for the event store: {Problem}")]
    private static partial void LogWaiting(ILogger log, string problem);
}
