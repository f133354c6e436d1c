using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Messaging;

internal static partial class MessagingLog
{
    [LoggerMessage(201, LogLevel.Warning, "The broker takes nothing: {Problem}. Revocations reach the gateways by the feed alone")]
    public static partial void BrokerAway(this ILogger logger, string problem);

    [LoggerMessage(202, LogLevel.Information, "The broker takes messages again")]
    public static partial void BrokerBack(this ILogger logger);

    [LoggerMessage(203, LogLevel.Error, "The relay stumbled and goes on; what it had claimed goes out when the claim is over")]
    public static partial void RelayStumbled(this ILogger logger, Exception problem);

    [LoggerMessage(204, LogLevel.Warning, "Unreadable messages on the bus: {Count} more, the last one {Kind} of {Bytes} bytes; parked in {Queue}. The feed was read instead")]
    public static partial void Unreadable(this ILogger logger, long count, string kind, int bytes, string queue);

    [LoggerMessage(205, LogLevel.Warning, "An unreadable message could not be parked and is dropped: {Problem}")]
    public static partial void NotParked(this ILogger logger, string problem);

    [LoggerMessage(206, LogLevel.Warning, "No connection to the broker: {Problem}. Tried again until there is one; meanwhile the feed carries revocations alone")]
    public static partial void BrokerUnreachable(this ILogger logger, string problem);

    [LoggerMessage(207, LogLevel.Information, "The broker is connected again")]
    public static partial void BrokerReached(this ILogger logger);
}
