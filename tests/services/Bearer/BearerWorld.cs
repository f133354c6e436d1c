using System.Net;
using System.Text.Json.Nodes;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Bearer;

/// <summary>What programs with access tokens do in a <see cref="World"/>.</summary>
internal static class BearerWorld
{
    public const string Api = "https://api.test";

    public static Dictionary<string, string> Settings(params (string Key, string Value)[] more)
    {
        var settings = new Dictionary<string, string>
        {
            ["bearer.issuers.0.issuer"] = "{idp}",
            ["bearer.issuers.0.audiences"] = Api,
            ["rules.3.path"] = "/scoped",
            ["rules.3.groups"] = "",
            ["rules.3.access"] = "authenticated",
            ["rules.3.scopes"] = "read",
        };
        foreach (var (key, value) in more)
        {
            settings[key] = value;
        }

        return settings;
    }

    /// <summary>A good access token of the IdP, made wrong in the way the test needs.</summary>
    public static string Token(this StubProvider idp, string sub, Action<JsonObject>? change = null, string? type = "at+jwt")
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject
        {
            ["iss"] = idp.Issuer,
            ["aud"] = Api,
            ["sub"] = sub,
            ["iat"] = now,
            ["exp"] = now + 300,
            ["jti"] = StubGrants.NewToken("jti-"),
        };
        change?.Invoke(claims);
        return idp.SigningKeys.Sign(claims, type);
    }

    /// <summary>Asks as a proxy does about a request with this token.</summary>
    public static Task<HttpResponseMessage> CallAsync(
        this World world, string? token, string uri = "/x", int gateway = 0, Browser? browser = null, Action<HttpRequestMessage>? change = null) =>
        (browser ?? world.NewBrowser()).VerifyAsync(uri, gateway, r =>
        {
            if (token is not null)
            {
                r.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
            }

            change?.Invoke(r);
        });

    public static async Task<HttpStatusCode> StatusAsync(this World world, string? token, string uri = "/x", int gateway = 0, Browser? browser = null)
    {
        using var answer = await world.CallAsync(token, uri, gateway, browser);
        return answer.StatusCode;
    }

    public static string Challenge(this HttpResponseMessage answer) => string.Join(", ", answer.Headers.WwwAuthenticate);
}
