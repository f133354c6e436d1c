using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using EventAuth.Adapters.Settings;

namespace EventAuth.Adapters.Oidc;

/// <summary>Builds the requests and addresses of one client registration.</summary>
internal static class ProviderRequests
{
    /// <summary>Where the browser goes to sign in (OpenID Connect Core 3.1.2.1, RFC 7636 4.3).</summary>
    public static Uri Authorization(ProviderEndpoints endpoints, ProviderSettings settings, AuthorizationRequest request)
    {
        var parameters = new List<KeyValuePair<string, string>>
        {
            new("response_type", "code"),
            new("client_id", settings.ClientId),
            new("redirect_uri", request.RedirectUri),
            new("scope", string.Join(' ', Scopes(endpoints, settings))),
            new("state", request.State),
            new("nonce", request.Nonce),
            new("code_challenge", request.CodeChallenge),
            new("code_challenge_method", "S256"),
        };
        if (settings.MaxAge > TimeSpan.Zero)
        {
            parameters.Add(new("max_age", ((long)settings.MaxAge.TotalSeconds).ToString(CultureInfo.InvariantCulture)));
        }

        return WithQuery(endpoints.Authorization, parameters);
    }

    /// <summary>Where the browser goes to sign out (RP-Initiated Logout 1.0, 2).</summary>
    public static Uri EndSession(Uri endpoint, ProviderSettings settings, string? idTokenHint, string? landing, string? state)
    {
        var parameters = new List<KeyValuePair<string, string>> { new("client_id", settings.ClientId) };
        Add("id_token_hint", idTokenHint);
        Add("post_logout_redirect_uri", landing);
        Add("state", state);
        return WithQuery(endpoint, parameters);

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                parameters.Add(new(name, value));
            }
        }
    }

    /// <summary>A question to the token or revocation endpoint, with our credentials where the IdP wants them.</summary>
    public static HttpRequestMessage Form(
        Uri endpoint, ProviderEndpoints endpoints, ProviderSettings settings, params KeyValuePair<string, string>[] parameters)
    {
        var all = parameters.ToList();
        var request = new HttpRequestMessage(HttpMethod.Post, endpoint);
        request.Headers.Accept.ParseAdd("application/json");
        if (settings.ClientSecret.Length == 0 || endpoints.SecretInBody)
        {
            all.Add(new("client_id", settings.ClientId));
        }

        if (settings.ClientSecret.Length > 0 && endpoints.SecretInBody)
        {
            all.Add(new("client_secret", settings.ClientSecret));
        }
        else if (settings.ClientSecret.Length > 0)
        {
            request.Headers.Authorization = Basic(settings.ClientId, settings.ClientSecret);
        }

        request.Content = new FormUrlEncodedContent(all);
        return request;
    }

    /// <summary>A question to userinfo; the token goes into the header, never into an address or a body.</summary>
    public static HttpRequestMessage UserInfo(Uri endpoint, string accessToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, endpoint);
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        return request;
    }

    // RFC 6749 2.3.1: both are form-encoded before they are joined, so that ':' and '%' in a secret stay what they are.
    public static AuthenticationHeaderValue Basic(string id, string secret) => new(
        "Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes($"{Uri.EscapeDataString(id)}:{Uri.EscapeDataString(secret)}")));

    // Many IdPs refuse the whole request for one scope they don't know; openid is always asked for.
    private static IEnumerable<string> Scopes(ProviderEndpoints endpoints, ProviderSettings settings) =>
        settings.Scopes.Prepend("openid").Distinct().Where(s => s == "openid" || endpoints.Scopes is null || endpoints.Scopes.Contains(s));

    private static Uri WithQuery(Uri endpoint, List<KeyValuePair<string, string>> parameters)
    {
        var query = string.Join('&', parameters.Select(p => $"{p.Key}={Uri.EscapeDataString(p.Value)}"));
        return new Uri($"{endpoint.AbsoluteUri}{(endpoint.Query.Length > 0 ? '&' : '?')}{query}");
    }
}
