namespace EventAuth.Gateway.Login;

/// <summary>What is logged about logins: ids, reasons and codes; no state, code, token, cookie or name.</summary>
internal sealed partial class LoginLog(ILogger<LoginLog> log)
{
    [LoggerMessage(1201, LogLevel.Information, "Login completed: session {Session} of subject {Subject}")]
    public partial void Completed(object session, object subject);

    [LoggerMessage(1202, LogLevel.Warning, "Login refused because {Reason}, incident {Incident}")]
    public partial void Refused(string reason, string incident);

    [LoggerMessage(1203, LogLevel.Warning, "Login not possible: {Problem}")]
    public partial void NotPossible(string problem);

    [LoggerMessage(1204, LogLevel.Error, "The identity provider does not accept this client, or is not the one of the settings ({Error}): nobody can sign in. Check issuer, clientId, clientSecret and redirect URI")]
    public partial void Misconfigured(string error);

    [LoggerMessage(1205, LogLevel.Information, "Login begun again because {Reason}")]
    public partial void BegunAgain(string reason);

    [LoggerMessage(1206, LogLevel.Warning, "A browser signs in again and again and is asked to sign in still, likely because of {Cause}: check the clocks, session.cookieDomain, and that publicUrl has the scheme browsers use")]
    public partial void Circles(string cause);

    [LoggerMessage(1207, LogLevel.Warning, "A pending login can't be opened: {Problem}")]
    public partial void AttemptUnreadable(string problem);

    [LoggerMessage(1208, LogLevel.Information, "Login goes on without userinfo ({Error}); the session is due for a check at once")]
    public partial void WithoutUserInfo(string error);

    [LoggerMessage(1209, LogLevel.Warning, "The refused login of incident {Incident} is not on record: the store is away")]
    public partial void NotRecorded(string incident);
}
