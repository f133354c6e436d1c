namespace EventAuth.Gateway.Cache;

internal static partial class CacheLog
{
    [LoggerMessage(1051, LogLevel.Warning, "The revocation feed cannot be read: {Problem}. Answers rest on memory until the lease ends")]
    public static partial void FeedAway(this ILogger logger, string problem);

    [LoggerMessage(1052, LogLevel.Information, "The revocation feed is read again")]
    public static partial void FeedBack(this ILogger logger);

    [LoggerMessage(1053, LogLevel.Critical, "The store is not the one of before: position {Applied} was applied here, its head is {Head}. All memory is dropped and every session is checked at its provider. If revocations may be lost, sign everyone out with POST /api/everybody/revoke")]
    public static partial void FeedRegressed(this ILogger logger, long applied, long head);

    [LoggerMessage(1056, LogLevel.Warning, "revocation.onStoreUnavailable is {Setting}: this weakens the guarantee. While the store is away, a revoked session may be let in for {Longest} after its revocation")]
    public static partial void GraceConfigured(this ILogger logger, string setting, TimeSpan longest);

    [LoggerMessage(1057, LogLevel.Warning, "The store is away for longer than revocation.bound: sessions in memory are let in by grace, until what is known is {Longest} old")]
    public static partial void GraceBegins(this ILogger logger, TimeSpan longest);

    [LoggerMessage(1058, LogLevel.Warning, "No session is let in by grace any more: {Why}")]
    public static partial void GraceEnds(this ILogger logger, string why);

    [LoggerMessage(1059, LogLevel.Warning, "How far this replica is could not be told: {Problem}")]
    public static partial void NotTold(this ILogger logger, string problem);

    [LoggerMessage(1054, LogLevel.Warning, "A session could not be read: {Problem}")]
    public static partial void SessionUnread(this ILogger logger, string problem);

    [LoggerMessage(1055, LogLevel.Warning, "Activity could not be written; tried again later: {Problem}")]
    public static partial void ActivityUnwritten(this ILogger logger, string problem);
}
