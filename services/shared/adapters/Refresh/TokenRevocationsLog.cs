using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

internal static partial class TokenRevocationsLog
{
    [LoggerMessage(330, LogLevel.Warning, "The identity provider {Issuer} was not told to forget a {Kind} after {Attempts} attempts")]
    public static partial void TokenNotForgotten(this ILogger logger, string issuer, string kind, int attempts);

    [LoggerMessage(331, LogLevel.Warning,
        "Too many tokens wait for being revoked at the identity provider: those of one session are left to expire")]
    public static partial void TokensLeftToExpire(this ILogger logger);
}
