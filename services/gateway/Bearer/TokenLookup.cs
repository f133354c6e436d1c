using EventAuth.Gateway.Cache;

namespace EventAuth.Gateway.Bearer;

/// <summary>What is known of an access token.</summary>
internal abstract record TokenLookup
{
    private TokenLookup() { }

    /// <summary>It was found good; whether it has been revoked or has expired since is asked for every request.</summary>
    /// <param name="Until">Last moment of its use.</param>
    /// <param name="CheckAgainAt">When it is to be checked anew: its key may have been withdrawn.</param>
    public sealed record Verified(
        CachedIdentity Identity, TokenKeys Keys, IReadOnlyList<string> Scopes, DateTimeOffset Until, DateTimeOffset CheckAgainAt) : TokenLookup
    {
        /// <summary>Shows nothing of the person.</summary>
        public override string ToString() => "verified token";
    }

    /// <summary>It is not good.</summary>
    /// <param name="Description">Shown to the caller; holds no part of the token.</param>
    public sealed record Refused(string Rule, string Description) : TokenLookup
    {
        /// <summary>How long that counts without looking again.</summary>
        public DateTimeOffset Until { get; init; }
    }

    /// <summary>It could not be checked.</summary>
    public sealed record Unavailable(string Error, TimeSpan? RetryAfter) : TokenLookup;

    /// <summary>It was not checked, because too many from that address were not good.</summary>
    public sealed record Penalised(TimeSpan RetryAfter) : TokenLookup;
}
