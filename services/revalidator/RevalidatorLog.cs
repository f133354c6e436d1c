using EventAuth.Contracts;

namespace EventAuth.Revalidator;

/// <summary>What the checks say in the log. Single sessions on debug level where an outage would repeat it for each.</summary>
internal static partial class RevalidatorLog
{
    [LoggerMessage(2001, LogLevel.Information, "Revalidation is off (revalidation.interval is 0)")]
    public static partial void Disabled(this ILogger logger);

    [LoggerMessage(2002, LogLevel.Warning, "Revalidation rests until the event store answers: {Problem}")]
    public static partial void Paused(this ILogger logger, string problem);

    [LoggerMessage(2003, LogLevel.Information, "The event store answers; revalidation goes on")]
    public static partial void Resumed(this ILogger logger);

    [LoggerMessage(2004, LogLevel.Error, "Revalidation failed and tries again")]
    public static partial void LoopFailed(this ILogger logger, Exception error);

    [LoggerMessage(2005, LogLevel.Error, "The check of session {SessionId} failed")]
    public static partial void CheckFailed(this ILogger logger, SessionId sessionId, Exception error);

    [LoggerMessage(2006, LogLevel.Information,
        "The IdP no longer stands by session {SessionId} ({Error}): everything of its subject ends")]
    public static partial void SubjectRefused(this ILogger logger, SessionId sessionId, string error);

    [LoggerMessage(2007, LogLevel.Warning, "Session {SessionId} ended unverified ({Error}); last verified {VerifiedAt}")]
    public static partial void EndedUnverified(this ILogger logger, SessionId sessionId, string error, DateTimeOffset verifiedAt);

    [LoggerMessage(2008, LogLevel.Debug, "Session {SessionId} goes on unverified ({Error})")]
    public static partial void Skipped(this ILogger logger, SessionId sessionId, string error);

    [LoggerMessage(2009, LogLevel.Warning,
        "The checks at {Issuer} fall behind: one session has waited for {Late}, {Due} are due. Whoever was removed there stays in for so much longer. Raise revalidation.rate (now {Rate} per second) if the IdP can take it, revalidation.concurrency (now {Concurrency}), or add a worker")]
    public static partial void FallsBehind(this ILogger logger, string issuer, TimeSpan late, long due, int rate, int concurrency);

    [LoggerMessage(2010, LogLevel.Information, "The checks at {Issuer} are on time again")]
    public static partial void CaughtUp(this ILogger logger, string issuer);
}
