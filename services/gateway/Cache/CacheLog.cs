namespace EventAuth.Gateway.Cache;

internal static partial class CacheLog
{
    [LoggerMessage(1051, LogLevel.Warning, "The revocation feed cannot be read: {Problem}. Answers rest on memory until the lease ends")]
    public static partial void FeedAway(this ILogger logger, string problem);

    [LoggerMessage(1052, LogLevel.Information, "The revocation feed is read again")]
    public static partial void FeedBack(this ILogger logger);

    [LoggerMessage(1053, LogLevel.Critical, "The store is not the one of before: position {Applied} was applied here, its head is {Head}. All memory is dropped")]
    public static partial void FeedRegressed(this ILogger logger, long applied, long head);

    [LoggerMessage(1054, LogLevel.Warning, "A session could not be read: {Problem}")]
    public static partial void SessionUnread(this ILogger logger, string problem);

    [LoggerMessage(1055, LogLevel.Warning, "Activity could not be written; tried again later: {Problem}")]
    public static partial void ActivityUnwritten(this ILogger logger, string problem);
}
