using System.Collections.Frozen;
using EventAuth.Domain.Refresh;

namespace EventAuth.Adapters.Refresh;

/// <summary>
/// Whether the IdP may have rotated the refresh token although no new one came: the outcome of the call is then unknown, which
/// is neither success nor failure, and a later <c>invalid_grant</c> may be of our making.
/// </summary>
public static class SpentToken
{
    /// <summary>The word for it in events, logs and metrics.</summary>
    public const string OutcomeUnknown = "outcome-unknown";

    // The question was sent, or may have been. Whoever could not connect has sent nothing; who was told no by an OAuth error
    // knows where they are.
    private static readonly FrozenSet<string> Unclear = FrozenSet.Create(StringComparer.Ordinal,
        "timeout", "network", "truncated", "too_large", "undecodable", "not_json", "error_in_200", "no_tokens", "id_token_refused",
        "server_error", "temporarily_unavailable", "unspecified");

    public static bool IsPossible(ProviderAnswer answer) => answer is ProviderAnswer.Unavailable { Code: var code }
        && (Unclear.Contains(code) || (code.StartsWith("http_", StringComparison.Ordinal) && (!code.StartsWith("http_4", StringComparison.Ordinal) || code == "http_408")));

    /// <summary>The kind of an answer, with what is unknown said so.</summary>
    public static string Outcome(ProviderAnswer answer) => IsPossible(answer) ? OutcomeUnknown : answer.Kind;
}
