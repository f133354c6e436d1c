using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace EventAuth.StubIdp;

/// <summary>What the stub answers when it tells the truth.</summary>
internal sealed class StubEndpoints(StubProvider idp)
{
    public async Task HandleAsync(HttpContext http)
    {
        var endpoint = Which(http.Request.Path);
        var parameters = await ParametersAsync(http);
        idp.Log.Add(new StubRequest(endpoint, http.Request.Method, parameters, http.Request.Headers.Authorization));
        if (idp.Scripted(endpoint) is { } scripted)
        {
            if (scripted.Delay != TimeSpan.Zero)
            {
                await Task.Delay(scripted.Delay, http.RequestAborted);
            }

            if (!scripted.ThenTheTruth)
            {
                await SendAsync(http, scripted);
                return;
            }
        }

        await SendAsync(http, await AnswerAsync(endpoint, parameters, http));
    }

    private async Task<StubAnswer> AnswerAsync(StubEndpoint endpoint, Dictionary<string, string> parameters, HttpContext http) =>
        endpoint switch
        {
            StubEndpoint.Discovery => Discovery(),
            StubEndpoint.Keys => StubAnswer.Text(200, idp.SigningKeys.ToJson()),
            StubEndpoint.Authorize => Authorize(parameters),
            StubEndpoint.Token or StubEndpoint.Revoke when !IsClient(http, parameters) => StubAnswer.Error("invalid_client", 401),
            StubEndpoint.Token => Token(parameters),
            StubEndpoint.UserInfo => UserInfo(http),
            StubEndpoint.Revoke => Revoke(parameters),
            StubEndpoint.Introspect => StubAnswer.Json(200, new { active = false }),
            StubEndpoint.EndSession => await EndSessionAsync(parameters, http.RequestAborted),
            _ => StubAnswer.Empty(404),
        };

    private StubAnswer Discovery() => StubAnswer.Json(200, new
    {
        issuer = idp.Issuer,
        authorization_endpoint = idp.Issuer + "/authorize",
        token_endpoint = idp.Issuer + "/token",
        userinfo_endpoint = idp.Issuer + "/userinfo",
        revocation_endpoint = idp.Issuer + "/revoke",
        end_session_endpoint = idp.Issuer + "/end-session",
        jwks_uri = idp.Issuer + "/jwks",
        scopes_supported = new[] { "openid", "profile", "email", "offline_access" },
        response_types_supported = new[] { "code" },
        subject_types_supported = new[] { "public" },
        id_token_signing_alg_values_supported = new[] { "RS256" },
        code_challenge_methods_supported = new[] { "S256" },
        token_endpoint_auth_methods_supported = idp.Options.AuthenticationMethods,
        authorization_response_iss_parameter_supported = idp.Options.IssuerInResponse,
        backchannel_logout_supported = true,
        backchannel_logout_session_supported = true,
    });

    private StubAnswer Authorize(Dictionary<string, string> parameters)
    {
        var landing = parameters.GetValueOrDefault("redirect_uri");
        if (landing is null || parameters.GetValueOrDefault("client_id") != idp.Options.ClientId)
        {
            return StubAnswer.Error("invalid_request");
        }

        var answer = new Dictionary<string, string?> { ["state"] = parameters.GetValueOrDefault("state") };
        if (idp.Options.IssuerInResponse)
        {
            answer["iss"] = idp.Issuer;
        }

        if (parameters.GetValueOrDefault("code_challenge_method") != "S256" || parameters.GetValueOrDefault("response_type") != "code")
        {
            answer["error"] = "invalid_request";
        }
        else if (idp.Current is { } user)
        {
            answer["code"] = idp.Grants.NewCode(new StubGrant
            {
                Sub = user.Sub,
                Sid = StubGrants.NewToken("sid-"),
                Nonce = parameters.GetValueOrDefault("nonce"),
                Challenge = parameters.GetValueOrDefault("code_challenge"),
                RedirectUri = landing,
            });
        }
        else
        {
            answer["error"] = "access_denied";
        }

        return Found(QueryString.Create(answer).ToUriComponent(), landing);
    }

    private StubAnswer Token(Dictionary<string, string> parameters)
    {
        var byCode = parameters.GetValueOrDefault("grant_type") == "authorization_code";
        var grant = parameters.GetValueOrDefault("grant_type") switch
        {
            "authorization_code" => idp.Grants.UseCode(parameters.GetValueOrDefault("code")),
            "refresh_token" => idp.Grants.UseRefreshToken(
                parameters.GetValueOrDefault("refresh_token"), idp.Options.RotatesRefreshTokens),
            _ => null,
        };
        var proven = !byCode
            || (grant?.RedirectUri == parameters.GetValueOrDefault("redirect_uri")
                && grant?.Challenge == Hash(parameters.GetValueOrDefault("code_verifier") ?? "", SHA256.HashSizeInBytes));
        if (grant is null || !proven)
        {
            return StubAnswer.Error("invalid_grant");
        }

        var accessToken = idp.Grants.NewAccessToken(grant, idp.Options.AccessLifetime);
        var answer = new Dictionary<string, object>
        {
            ["access_token"] = accessToken,
            ["token_type"] = "Bearer",
            ["expires_in"] = (long)idp.Options.AccessLifetime.TotalSeconds,
            ["id_token"] = idp.IdToken(grant, Hash(accessToken, SHA256.HashSizeInBytes / 2), withNonce: byCode),
        };
        if (byCode || idp.Options.RotatesRefreshTokens)
        {
            answer["refresh_token"] = idp.Grants.NewRefreshToken(grant);
        }

        return StubAnswer.Json(200, answer);
    }

    private StubAnswer UserInfo(HttpContext http)
    {
        const string Scheme = "Bearer ";
        var authorization = http.Request.Headers.Authorization.ToString();
        var token = authorization.StartsWith(Scheme, StringComparison.Ordinal) ? authorization[Scheme.Length..] : null;
        return idp.Grants.OfAccessToken(token) is { } grant
            ? StubAnswer.Json(200, idp.UserInfo(grant))
            : StubAnswer.Empty(401) with
            {
                Headers = new Dictionary<string, string> { ["WWW-Authenticate"] = "Bearer error=\"invalid_token\"" },
            };
    }

    private StubAnswer Revoke(Dictionary<string, string> parameters)
    {
        idp.Grants.Revoke(parameters.GetValueOrDefault("token"));
        return StubAnswer.Empty(200);
    }

    // The logout token goes out while the browser still waits, as the conformance suite does it.
    private async Task<StubAnswer> EndSessionAsync(Dictionary<string, string> parameters, CancellationToken ct)
    {
        if (idp.Current is { } user)
        {
            idp.Withdraw(user.Sub);
            if (idp.Options.BackchannelLogout is { } to)
            {
                await idp.SendLogoutTokenAsync(to, user.Sub, sid: null, ct);
            }
        }

        return parameters.GetValueOrDefault("post_logout_redirect_uri") is { } landing
            ? Found(QueryString.Create("state", parameters.GetValueOrDefault("state") ?? "").ToUriComponent(), landing)
            : StubAnswer.Text(200, "signed out", "text/plain");
    }

    private bool IsClient(HttpContext http, Dictionary<string, string> parameters)
    {
        const string Scheme = "Basic ";
        var authorization = http.Request.Headers.Authorization.ToString();
        if (!authorization.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return idp.Options.AuthenticationMethods.Contains("client_secret_post")
                && parameters.GetValueOrDefault("client_id") == idp.Options.ClientId
                && parameters.GetValueOrDefault("client_secret") == idp.Options.ClientSecret;
        }

        var parts = Encoding.UTF8.GetString(Convert.FromBase64String(authorization[Scheme.Length..])).Split(':', 2);
        return idp.Options.AuthenticationMethods.Contains("client_secret_basic")
            && parts.Select(p => Uri.UnescapeDataString(p.Replace('+', ' '))).SequenceEqual([idp.Options.ClientId, idp.Options.ClientSecret]);
    }

    private static StubEndpoint Which(PathString path) => path.Value switch
    {
        "/.well-known/openid-configuration" => StubEndpoint.Discovery,
        "/jwks" => StubEndpoint.Keys,
        "/authorize" => StubEndpoint.Authorize,
        "/token" => StubEndpoint.Token,
        "/userinfo" => StubEndpoint.UserInfo,
        "/revoke" => StubEndpoint.Revoke,
        "/end-session" => StubEndpoint.EndSession,
        "/introspect" => StubEndpoint.Introspect,
        _ => StubEndpoint.None,
    };

    private static async Task<Dictionary<string, string>> ParametersAsync(HttpContext http)
    {
        var parameters = http.Request.Query.ToDictionary(p => p.Key, p => p.Value.ToString());
        if (http.Request.HasFormContentType)
        {
            foreach (var (name, value) in await http.Request.ReadFormAsync(http.RequestAborted))
            {
                parameters[name] = value.ToString();
            }
        }

        return parameters;
    }

    private static async Task SendAsync(HttpContext http, StubAnswer answer)
    {
        http.Response.StatusCode = answer.Status;
        http.Response.ContentType = answer.ContentType;
        foreach (var (name, value) in answer.Headers)
        {
            http.Response.Headers[name] = value;
        }

        if (answer.Truncated)
        {
            // Kestrel closes the connection after the last byte that came.
            http.Response.ContentLength = answer.Body.Length + 1;
        }

        await http.Response.Body.WriteAsync(answer.Body, http.RequestAborted);
    }

    private static StubAnswer Found(string query, string landing) => StubAnswer.Empty(302) with
    {
        Headers = new Dictionary<string, string>
        {
            ["Location"] = landing.Contains('?', StringComparison.Ordinal) ? landing + "&" + query[1..] : landing + query,
        },
    };

    private static string Hash(string text, int length) =>
        Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(text)).AsSpan(0, length));
}
