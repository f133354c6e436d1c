using EventAuth.Adapters.Postgres;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Hosting;

/// <summary>Creates or finds the tables, again and again until the store answers; the service is up meanwhile but not ready.</summary>
public sealed partial class SchemaStartup : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly Schema _schema;
    private readonly TimeProvider _clock;
    private readonly ILogger<SchemaStartup> _log;

    // The condition stands before the listener opens: nobody is ready for a moment because nothing was required yet.
    public SchemaStartup(Schema schema, ServiceState state, TimeProvider clock, ILogger<SchemaStartup> log)
    {
        (_schema, _clock, _log) = (schema, clock, log);
        state.Require("store", () => schema.Applied.IsCompleted ? null : "the event store has not answered yet");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await _schema.ApplyAsync(stoppingToken);
                return;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogWaiting(_log, e.Message);
                await Task.Delay(Pause, _clock, stoppingToken);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Waiting for the event store: {Problem}")]
    private static partial void LogWaiting(ILogger log, string problem);
}
