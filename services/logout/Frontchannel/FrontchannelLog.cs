namespace EventAuth.Logout.Frontchannel;

/// <summary>Only what had an effect, or should have had one: anybody can send the rest.</summary>
internal static partial class FrontchannelLog
{
    [LoggerMessage(3101, LogLevel.Information,
        "Front-channel logout of {Issuer} from {Address}: revocation at position {Position}, correlation {CorrelationId}")]
    public static partial void Ended(this ILogger logger, string issuer, string address, long position, string correlationId);

    [LoggerMessage(3102, LogLevel.Warning, "A front-channel logout could not be handled now: {Problem}")]
    public static partial void Away(this ILogger logger, string problem);

    [LoggerMessage(3103, LogLevel.Error, "A front-channel logout could not be handled")]
    public static partial void Failed(this ILogger logger, Exception error);
}
