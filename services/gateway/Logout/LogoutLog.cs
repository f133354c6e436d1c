namespace EventAuth.Gateway.Logout;

/// <summary>What is logged about people signing out.</summary>
internal sealed partial class LogoutLog(ILogger<LogoutLog> log)
{
    [LoggerMessage(1301, LogLevel.Information, "Signed out: session {Session} of subject {Subject}")]
    public partial void SignedOut(object session, object subject);

    [LoggerMessage(1302, LogLevel.Warning, "Sign-out refused: {Reason}")]
    public partial void Refused(string reason);

    [LoggerMessage(1303, LogLevel.Warning, "The tokens of an ended session can't be opened: {Problem}")]
    public partial void TokensUnreadable(string problem);

    [LoggerMessage(1304, LogLevel.Warning, "The identity provider {Issuer} was not told to forget a {Kind} after {Attempts} attempts")]
    public partial void NotForgotten(string issuer, string kind, int attempts);

    [LoggerMessage(1305, LogLevel.Warning, "Too many tokens wait for being revoked at the identity provider: those of one session are left to expire")]
    public partial void QueueFull();
}
