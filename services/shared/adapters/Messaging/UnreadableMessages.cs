using System.Runtime.Serialization;
using System.Text.Json;
using EventAuth.Adapters.Telemetry;
using MassTransit;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Messaging;

/// <summary>What a replica could not read, kept for a person to look at. Nobody consumes it.</summary>
/// <param name="Replica">Who could not read it.</param>
/// <param name="Kind">See <see cref="UnreadableMessages"/>.</param>
/// <param name="ContentType">What its sender called it.</param>
/// <param name="Bytes">How long it was.</param>
/// <param name="Beginning">Its first bytes, in base64.</param>
public sealed record ParkedMessage(string Replica, string Kind, string? ContentType, int Bytes, string Beginning);

/// <summary>
/// Messages that nobody here can read: not JSON, fields missing, of an unknown type, or the consumer failed. Somebody wanted
/// to tell us something, so the feed is read at once; the message itself is counted and parked where there is room for a
/// thousand (<see cref="BusSetup"/>), instead of a queue per replica that grows and outlives it.
/// </summary>
/// <param name="readFeed">Asks for a read of the feed.</param>
public sealed class UnreadableMessages(string replica, Action readFeed, Metrics metrics, TimeProvider clock, ILogger<UnreadableMessages> log)
{
    // Enough to see who sent it. A thousand messages of 10 MB would fill the broker's disk.
    private const int Beginning = 8 * 1024;
    private static readonly TimeSpan ParkLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LogEvery = TimeSpan.FromSeconds(10);
    private readonly Lock _lock = new();
    private long? _loggedAt;
    private long _since;

    /// <summary>Nobody consumes its type.</summary>
    internal Task SkippedAsync(ReceiveContext context) => TakeAsync(context, "unknown_type");

    /// <summary>Reading or consuming it failed.</summary>
    internal Task FailedAsync(ExceptionReceiveContext context) =>
        TakeAsync(context, context.Exception is SerializationException or JsonException ? "undecodable" : "failed");

    private async Task TakeAsync(ReceiveContext context, string kind)
    {
        readFeed();
        metrics.Poison(kind);
        var body = context.Body.GetBytes();
        Say(kind, body.Length);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
            limit.CancelAfter(ParkLimit);
            var beginning = Convert.ToBase64String(body.AsSpan(0, Math.Min(body.Length, Beginning)));
            var endpoint = await context.PublishEndpointProvider.GetPublishSendEndpoint<ParkedMessage>();
            await endpoint.Send(new ParkedMessage(replica, kind, context.ContentType?.MediaType, body.Length, beginning), limit.Token);
        }
        catch (Exception e)
        {
            // Thrown on, it would come back for ever.
            log.NotParked(e.Message);
        }
    }

    // One line at once, then one in ten seconds: a flood of them must not become a flood of lines.
    private void Say(string kind, int bytes)
    {
        lock (_lock)
        {
            _since++;
            if (_loggedAt is { } last && clock.GetElapsedTime(last) < LogEvery)
            {
                return;
            }

            log.Unreadable(_since, kind, bytes, BusSetup.ParkedQueue);
            (_loggedAt, _since) = (clock.GetTimestamp(), 0);
        }
    }
}
