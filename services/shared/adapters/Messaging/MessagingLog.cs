using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Messaging;

internal static partial class MessagingLog
{
    [LoggerMessage(201, LogLevel.Warning, "The broker takes nothing: {Problem}. Revocations reach the gateways by the feed alone")]
    public static partial void BrokerAway(this ILogger logger, string problem);

    [LoggerMessage(202, LogLevel.Information, "The broker takes messages again")]
    public static partial void BrokerBack(this ILogger logger);
}
