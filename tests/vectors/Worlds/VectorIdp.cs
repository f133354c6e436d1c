using System.Text.Json;
using EventAuth.StubIdp;

namespace EventAuth.Vectors.Worlds;

/// <summary>The IdP of a vector file: it bears the file's name, is at an address of this machine, and says what a case wants it to say.</summary>
internal sealed class VectorIdp : IAsyncDisposable
{
    private readonly StubProvider _stub;

    private VectorIdp(StubProvider stub, string issuer) => (_stub, Issuer) = (stub, issuer);

    /// <summary>The name in its tokens.</summary>
    public string Issuer { get; }

    public Uri MetadataUrl => new(_stub.Issuer + "/.well-known/openid-configuration");

    public Uri KeysUrl => new(_stub.Issuer + "/jwks");

    /// <summary>Where it is.</summary>
    public string Authority => new Uri(_stub.Issuer).Authority;

    public StubLog Log => _stub.Log;

    /// <param name="keys">The key set that is served first.</param>
    /// <param name="keysThen">The one that is served from the second time on.</param>
    public static async Task<VectorIdp> StartAsync(string issuer, string clientId, string secret, string keys, string keysThen)
    {
        var stub = await StubProvider.StartAsync(new StubOptions { ClientId = clientId, ClientSecret = secret });
        stub.Always(StubEndpoint.Discovery, StubAnswer.Json(200, new
        {
            issuer,
            authorization_endpoint = issuer + "/authorize",
            token_endpoint = stub.Issuer + "/token",
            userinfo_endpoint = stub.Issuer + "/userinfo",
            jwks_uri = stub.Issuer + "/jwks",
        }));
        stub.Script(StubEndpoint.Keys, StubAnswer.Text(200, keys));
        stub.Always(StubEndpoint.Keys, StubAnswer.Text(200, keysThen));
        return new VectorIdp(stub, issuer);
    }

    /// <summary>Whatever code comes is answered with this ID token, and userinfo speaks of its person.</summary>
    public void AnswerWith(string? idToken, string accessToken, string? sub)
    {
        _stub.Always(StubEndpoint.Token, StubAnswer.Text(200, JsonSerializer.Serialize(new Dictionary<string, object?>
        {
            ["access_token"] = accessToken,
            ["token_type"] = "Bearer",
            ["expires_in"] = 300,
            ["id_token"] = idToken,
        })));
        _stub.Always(StubEndpoint.UserInfo, StubAnswer.Json(200, new { sub = sub ?? "nobody" }));
    }

    public ValueTask DisposeAsync() => _stub.DisposeAsync();
}
