using EventAuth.Contracts;

namespace EventAuth.Gateway.ForwardAuth;

internal static partial class ForwardAuthLog
{
    [LoggerMessage(1001, LogLevel.Debug, "allow {Method} {Host} for {Subject}")]
    public static partial void Allowed(this ILogger logger, string method, string host, SubjectKey? subject);

    [LoggerMessage(1002, LogLevel.Information, "{Outcome} {Method} {Host}, incident {Incident}")]
    public static partial void Refused(this ILogger logger, string outcome, string method, string host, string incident);

    [LoggerMessage(1003, LogLevel.Warning, "Session {Session}: background refresh failed ({Problem})")]
    public static partial void BackgroundRefreshFailed(this ILogger logger, SessionId session, string problem);

    [LoggerMessage(1004, LogLevel.Warning, "Session {Session}: whether it was renewed is unknown, because the store did not answer ({Problem})")]
    public static partial void RenewalUnknown(this ILogger logger, SessionId session, string problem);
}
