using EventAuth.Contracts;

namespace EventAuth.Logout.Backchannel;

/// <summary>One line per token. Never the token; of a refused one nothing but the rule it broke.</summary>
internal static partial class LogoutLog
{
    [LoggerMessage(3001, LogLevel.Information,
        "Logout token of {Issuer} from {Address} accepted: revocation at position {Position}, correlation {CorrelationId}")]
    public static partial void Accepted(this ILogger logger, string issuer, string address, long position, string correlationId);

    [LoggerMessage(3002, LogLevel.Information,
        "Logout token of {Issuer} from {Address} seen before: revoked at position {Position} already, correlation {CorrelationId}")]
    public static partial void Repeated(this ILogger logger, string issuer, string address, long position, string correlationId);

    [LoggerMessage(3003, LogLevel.Warning, "Logout token from {Address} refused: {Rule}")]
    public static partial void Refused(this ILogger logger, string address, string rule);

    [LoggerMessage(3004, LogLevel.Warning, "Logout token from {Address} could not be handled now: {Problem}")]
    public static partial void Away(this ILogger logger, string address, string problem);

    [LoggerMessage(3005, LogLevel.Error, "A logout token could not be handled")]
    public static partial void Failed(this ILogger logger, Exception error);

    [LoggerMessage(3006, LogLevel.Warning, "Session {Session}: its tokens can't be opened, so the IdP is not asked to take them back: {Problem}")]
    public static partial void TokensUnreadable(this ILogger logger, SessionId session, string problem);
}
