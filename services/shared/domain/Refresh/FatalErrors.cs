using System.Collections.Frozen;
using System.Globalization;
using EventAuth.Domain.Login;

namespace EventAuth.Domain.Refresh;

/// <summary>
/// The words by which an IdP takes back what it said of a person: OAuth error codes of the token endpoint,
/// <c>userinfo_401</c> (a fresh access token is refused), <c>userinfo_403</c>, and <c>http_NNN</c> for a refusal by status
/// alone. What could just as well mean that the IdP is ill is no such word, whatever an operator would like.
/// </summary>
public static class FatalErrors
{
    private const string UserInfo = "userinfo_";
    private const string Http = "http_";

    /// <summary>What ends sessions if nothing is configured.</summary>
    public static readonly FrozenSet<string> Default = FrozenSet.Create(StringComparer.Ordinal, "invalid_grant", "userinfo_401");

    // Codes of ours for no answer, and those of RFC 6749 by which a server says that it cannot answer now.
    private static readonly FrozenSet<string> NoAnswers = FrozenSet.Create(StringComparer.Ordinal,
        "temporarily_unavailable", "server_error", "slow_down", "timeout", "dns", "tls", "connection", "network", "truncated", "too_large",
        "undecodable", "not_json", "error_in_200", "no_tokens", "id_token_refused", "sub_missing", "unspecified", OAuthText.UnreadableError);

    /// <summary>The whole set of one issuer.</summary>
    /// <param name="added">Fatal at every issuer.</param>
    /// <param name="removed">Fatal at none, unless the issuer itself lists it.</param>
    /// <param name="own">Fatal at this issuer.</param>
    public static FrozenSet<string> Of(IEnumerable<string> added, IEnumerable<string> removed, IEnumerable<string> own) =>
        Default.Union(added).Except(removed).Union(own).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Why a code cannot be one that ends sessions; null when it can.</summary>
    public static string? Problem(string code)
    {
        if (OAuthText.ErrorCode(code) != code)
        {
            return "is no error code (letters, digits, _-.:/, at most 64)";
        }

        if (NoAnswers.Contains(code))
        {
            return "means that the IdP gave no answer; see revalidation.onFailure";
        }

        if (code.StartsWith(UserInfo, StringComparison.Ordinal) && code is not ("userinfo_401" or "userinfo_403"))
        {
            return "cannot happen; of userinfo there are userinfo_401 and userinfo_403";
        }

        return code.StartsWith(Http, StringComparison.Ordinal) && !(IsStatus(code[Http.Length..], out var status) && IsRefusal(status))
            ? "says nothing of a person; of http_NNN only 400 to 499 without 408 and 429 can"
            : null;
    }

    /// <summary>Whether a status can be a refusal: an overloaded server sends any body with the others.</summary>
    internal static bool IsRefusal(int status) => status is >= 400 and < 500 and not (408 or 429);

    private static bool IsStatus(string text, out int status) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out status) && text.Length == 3;
}
