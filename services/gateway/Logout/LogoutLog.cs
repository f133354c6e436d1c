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
}
