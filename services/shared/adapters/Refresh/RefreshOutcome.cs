using EventAuth.Adapters.Secrets;
using EventAuth.Contracts;
using EventAuth.Domain.Login;
using EventAuth.Domain.Refresh;
using EventAuth.Domain.Sessions;

namespace EventAuth.Adapters.Refresh;

/// <summary>Who wants tokens renewed.</summary>
public enum RefreshCaller
{
    Gateway = 0,
    Revalidator,
}

/// <summary>What became of a wish to renew a session's tokens.</summary>
public abstract record RefreshOutcome
{
    private RefreshOutcome() { }

    /// <summary>The stored tokens are newer than the caller's.</summary>
    /// <param name="Tokens">Null when another replica renewed them.</param>
    /// <param name="Claims">What the new ID token says; null when none came or another replica saw it.</param>
    public sealed record Renewed(SessionTokens? Tokens, MappedClaims? Claims) : RefreshOutcome;

    /// <summary>The session is over.</summary>
    public sealed record Ended(EndReason Reason) : RefreshOutcome;

    /// <summary>The session never had a refresh token.</summary>
    public sealed record NoRefreshToken : RefreshOutcome;

    /// <summary>The stored tokens cannot be used any more: their key or their issuer is not configured. Sign in again.</summary>
    public sealed record Unusable(string Why) : RefreshOutcome;

    /// <summary>No new tokens; the session goes on as far as this is concerned.</summary>
    public sealed record Failed(ProviderAnswer Answer) : RefreshOutcome
    {
        /// <summary>From when the IdP's last word on the session counts, see <see cref="LastWord"/>.</summary>
        public DateTimeOffset CountsFrom { get; init; }
    }

    /// <summary>Another replica is at it and took longer than its lease.</summary>
    public sealed record Busy : RefreshOutcome;
}
