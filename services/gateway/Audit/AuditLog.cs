namespace EventAuth.Gateway.Audit;

/// <summary>Who reads the record is itself logged.</summary>
internal sealed partial class AuditLog(ILogger<AuditLog> log)
{
    [LoggerMessage(1501, LogLevel.Information, "Record read by {Actor}: {Place}, {Count} events")]
    public partial void Read(object actor, string place, int count);

    [LoggerMessage(1502, LogLevel.Warning, "Record refused to {Actor}: {Place}")]
    public partial void Refused(object actor, string place);
}
