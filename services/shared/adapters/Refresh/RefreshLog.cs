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

    [LoggerMessage(106, LogLevel.Critical,
        "ALARM: IdP {Issuer} rejects EventAuth itself ({Error}). Nobody is signed out, but nobody is verified either: check the client's registration and the settings")]
    public static partial void ProviderRejectsUs(this ILogger logger, string issuer, string error);

    [LoggerMessage(107, LogLevel.Warning, "IdP {Issuer} does not answer ({Error})")]
    public static partial void ProviderAway(this ILogger logger, string issuer, string error);

    [LoggerMessage(108, LogLevel.Information, "IdP {Issuer} answers again; it had not since {Since}")]
    public static partial void ProviderBack(this ILogger logger, string issuer, DateTimeOffset since);

    [LoggerMessage(109, LogLevel.Warning, "Session {Session}: new tokens could not be stored yet ({Problem}); trying again while the lease lasts")]
    public static partial void TokensNotStoredYet(this ILogger logger, SessionId session, string problem);

    [LoggerMessage(110, LogLevel.Error, "Session {Session} belongs to issuer {Issuer}, which is not configured any more")]
    public static partial void IssuerUnknown(this ILogger logger, SessionId session, string issuer);

    [LoggerMessage(111, LogLevel.Warning,
        "Session {Session}: the outcome of a refresh is unknown ({Error}); the IdP may have used its refresh token up")]
    public static partial void RefreshOutcomeUnknown(this ILogger logger, SessionId session, string error);
}
