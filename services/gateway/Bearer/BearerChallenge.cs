using EventAuth.Adapters.Settings;

namespace EventAuth.Gateway.Bearer;

/// <summary>
/// The <c>WWW-Authenticate</c> header (RFC 6750, 3): no error where no token was sent; what is wrong with it where one was.
/// </summary>
internal sealed class BearerChallenge(EventAuthSettings settings)
{
    private readonly string _plain = $"Bearer realm=\"{settings.Bearer.Realm}\"";

    /// <summary>No token was sent.</summary>
    public string Plain => _plain;

    /// <summary>401: the token is not good.</summary>
    public string InvalidToken(string description) => Error("invalid_token", description);

    /// <summary>400: the request can't be understood.</summary>
    public string InvalidRequest(string description) => Error("invalid_request", description);

    /// <summary>403: these scopes are needed.</summary>
    public string InsufficientScope(IReadOnlyList<string> scopes) =>
        $"{Error("insufficient_scope", "the token lacks a scope")}, scope=\"{string.Join(' ', scopes)}\"";

    private string Error(string code, string description) => $"{_plain}, error=\"{code}\", error_description=\"{description}\"";
}
