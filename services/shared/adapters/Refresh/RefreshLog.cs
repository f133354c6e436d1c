using EventAuth.Contracts;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

internal static partial class RefreshLog
{
    [LoggerMessage(101, LogLevel.Warning, "Session {Session}: another replica held the refresh longer than its lease")]
    public static partial void RefreshWaitedInVain(this ILogger logger, SessionId session);

    [LoggerMessage(102, LogLevel.Warning, "Session {Session}: a refresh came too late and its tokens were dropped")]
    public static partial void RefreshTooLate(this ILogger logger, SessionId session);

    [LoggerMessage(103, LogLevel.Information, "Session {Session} ended: {Reason}, the IdP said {Error}")]
    public static partial void RefreshEnded(this ILogger logger, SessionId session, EndReason reason, string error);

    [LoggerMessage(104, LogLevel.Warning, "Session {Session}: refresh brought {Outcome} ({Error})")]
    public static partial void RefreshFailed(this ILogger logger, SessionId session, string outcome, string error);

    [LoggerMessage(105, LogLevel.Error, "Session {Session}: its tokens cannot be read: {Problem}")]
    public static partial void TokensUnreadable(this ILogger logger, SessionId session, string problem);
}
