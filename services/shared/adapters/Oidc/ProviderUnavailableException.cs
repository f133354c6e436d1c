namespace EventAuth.Adapters.Oidc;

/// <summary>What the IdP publishes about itself can't be had, and no good copy is left; at the edge: 503.</summary>
/// <param name="error">A class of ours such as <c>timeout</c> or <c>issuer_mismatch</c>, never text of the IdP.</param>
public sealed class ProviderUnavailableException(string error, TimeSpan? retryAfter = null)
    : Exception($"the IdP is unavailable: {error}")
{
    public string Error => error;

    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>It was had, and it contradicts the settings: nobody can sign in until one or the other is corrected.</summary>
    public bool IsContradiction => error is "issuer_mismatch" or "endpoint_refused" or "endpoint_missing";
}
