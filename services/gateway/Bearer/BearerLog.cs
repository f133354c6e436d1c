namespace EventAuth.Gateway.Bearer;

internal static partial class BearerLog
{
    [LoggerMessage(1071, LogLevel.Information, "An access token was refused: {Rule}")]
    public static partial void TokenRefused(this ILogger logger, string rule);

    [LoggerMessage(1072, LogLevel.Warning, "An access token could not be checked: {Problem}")]
    public static partial void TokenUnchecked(this ILogger logger, string problem);

    [LoggerMessage(1073, LogLevel.Warning, "Too many access tokens from one client were not good: for {Penalty} its unknown tokens are answered 429 (bearer.failureThreshold)")]
    public static partial void Penalty(this ILogger logger, TimeSpan penalty);
}
