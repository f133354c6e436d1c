using System.Buffers.Text;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Oidc;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Logout;

/// <summary>
/// What the OpenID conformance suite sends in its relying-party plans for back-channel logout, over HTTP: tokens without
/// <c>typ</c>, a claim and a form parameter to be ignored, and an IdP that publishes an elliptic key beside its RSA key.
/// </summary>
public sealed class ConformanceLogoutTests(LiveStore store) : IClassFixture<LiveStore>, IAsyncLifetime
{
    private readonly TokenForge _forge = new();
    private LogoutWorld _world = null!;
    private SessionId _session;

    public async Task InitializeAsync()
    {
        if (!TestStore.IsConfigured)
        {
            return;
        }

        _world = await LogoutWorld.StartAsync(store);
        var published = JsonNode.Parse(_world.Idp.SigningKeys.ToJson())!;
        published["keys"]!.AsArray().Add(JsonNode.Parse(_forge.EcKey("stub-ec")));
        _world.Idp.Always(StubEndpoint.Keys, StubAnswer.Text(200, published.ToJsonString()));
        _session = await store.IssueAsync(_world.Person("suite"), Sid);
    }

    public async Task DisposeAsync()
    {
        _forge.Dispose();
        if (_world is not null)
        {
            await _world.DisposeAsync();
        }
    }

    private string Sid { get; } = $"sid-{Guid.CreateVersion7():N}";

    [StoreFact]
    public async Task Rp_backchannel_rpinitlogout_is_carried_out()
    {
        Assert.Equal(HttpStatusCode.OK, await PostAsync(Signed(Claims())));
        Assert.True(await store.IsOverAsync(_session));
    }

    [StoreFact]
    public Task Alg_none_is_refused() => RefusedAsync(Unsigned(Claims()));

    [StoreFact]
    public Task Wrong_alg_is_refused_although_the_key_is_published() =>
        RefusedAsync(_forge.Es256("""{"alg":"ES256","kid":"stub-ec"}""", Claims().ToJsonString()));

    [StoreFact]
    public Task No_event_is_refused() => RefusedAsync(Signed(Claims(c => c.Remove("events"))));

    [StoreFact]
    public Task Wrong_event_is_refused() => RefusedAsync(Signed(Claims(c =>
        c["events"] = new JsonObject { ["http://schemas.openid.net/event/foobar"] = new JsonObject() })));

    [StoreFact]
    public Task With_nonce_is_refused() => RefusedAsync(Signed(Claims(c => c["nonce"] = "n-0S6_WzA2Mj")));

    [StoreFact]
    public Task Wrong_aud_is_refused() => RefusedAsync(Signed(Claims(c => c["aud"] = c["aud"] + "INVALID")));

    [StoreFact]
    public Task Wrong_iss_is_refused() => RefusedAsync(Signed(Claims(c => c["iss"] = c["iss"] + "INVALID")));

    // Auth0, authentik and others send what the suite does, with typ or without; Keycloak until 26 says JWT and adds a
    // member of its own to events.
    [StoreTheory]
    [InlineData(null, false)]
    [InlineData("logout+jwt", false)]
    [InlineData("JWT", true)]
    public async Task Other_IdPs_shapes_are_obeyed(string? type, bool keycloak)
    {
        var claims = Claims(c =>
        {
            if (keycloak)
            {
                c["events"]!["revoke_offline_access"] = false;
                c["typ"] = "Logout";
            }
        });
        Assert.Equal(HttpStatusCode.OK, await PostAsync(_world.Idp.SigningKeys.Sign(claims, type)));
        Assert.True(await store.IsOverAsync(_session));
    }

    private async Task RefusedAsync(string token)
    {
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(token));
        Assert.False(await store.IsOverAsync(_session));

        // Not refused for some other reason: the same without the fault is obeyed.
        Assert.Equal(HttpStatusCode.OK, await PostAsync(Signed(Claims())));
    }

    private async Task<HttpStatusCode> PostAsync(string token)
    {
        using var answer = await _world.PostAsync($"logout_token={token}&ignored_parameter=ignored", "application/x-www-form-urlencoded");
        LogoutWorld.AssertHeaders(answer);
        return answer.StatusCode;
    }

    private JsonObject Claims(Action<JsonObject>? change = null)
    {
        JsonObject? claims = null;
        _world.Idp.LogoutToken("suite", Sid, c =>
        {
            c["ignored_claim"] = "ignored";
            change?.Invoke(c);
            claims = c.DeepClone().AsObject();
        });
        return claims!;
    }

    private string Signed(JsonObject claims) => _world.Idp.SigningKeys.Sign(claims, type: null);

    private static string Unsigned(JsonObject claims) =>
        $"{Encoded("""{"alg":"none"}""")}.{Encoded(claims.ToJsonString())}.";

    private static string Encoded(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
