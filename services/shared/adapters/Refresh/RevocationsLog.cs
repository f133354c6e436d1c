using EventAuth.Contracts;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

internal static partial class RevocationsLog
{
    [LoggerMessage(320, LogLevel.Information,
        "Revoked {Kind} {Key} at position {Position} because {Reason}, from {Source}, correlation {CorrelationId}")]
    public static partial void Revoked(
        this ILogger logger, RevocationKind kind, Guid key, long position, EndReason reason, string source, string? correlationId);

    [LoggerMessage(321, LogLevel.Information, "Wrote the end of {Count} sessions that were over already")]
    public static partial void Swept(this ILogger logger, int count);

    [LoggerMessage(322, LogLevel.Warning, "The sweep waits for the event store: {Problem}")]
    public static partial void SweepWaits(this ILogger logger, string problem);

    [LoggerMessage(323, LogLevel.Error, "The sweep failed and tries again")]
    public static partial void SweepFailed(this ILogger logger, Exception error);

    [LoggerMessage(324, LogLevel.Error, "The end of session {SessionId} could not be written")]
    public static partial void EndFailed(this ILogger logger, SessionId sessionId, Exception error);
}
