namespace EventAuth.Gateway.Sessions;

/// <summary>What is logged about sessions that people look at and end.</summary>
internal sealed partial class SessionsLog(ILogger<SessionsLog> log)
{
    [LoggerMessage(1401, LogLevel.Information, "Session {Session} ended by {Actor} ({Reason})")]
    public partial void Ended(object session, object actor, object reason);

    [LoggerMessage(1402, LogLevel.Information, "All sessions of subject {Subject} revoked at position {Position} by {Actor}")]
    public partial void Revoked(object subject, long position, object actor);

    [LoggerMessage(1403, LogLevel.Information, "Sessions of others read by {Actor} (subject {Subject})")]
    public partial void Read(object actor, object? subject);

    [LoggerMessage(1405, LogLevel.Warning, "Everybody's sessions revoked at position {Position} by {Actor}")]
    public partial void RevokedEverybody(long position, object actor);

    [LoggerMessage(1406, LogLevel.Information, "Access tokens of a {Member} of {Issuer} revoked at position {Position} by {Actor}")]
    public partial void RevokedOfIssuer(string member, string issuer, long position, object actor);

    [LoggerMessage(1404, LogLevel.Warning, "Refused to {Actor}: {Method} {Place} ({Code})")]
    public partial void Refused(object? actor, string method, string place, string code);
}
