using System.Net;
using System.Security.Cryptography;
using System.Text;
using EventAuth.Adapters.Oidc;
using EventAuth.Domain.Login;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>When discovery and keys are fetched, and what happens while they can't be.</summary>
public sealed class ProviderMetadataTests : IDisposable
{
    private readonly TokenForge _forge = new();
    private readonly FixedIdp _idp;

    public ProviderMetadataTests() => _idp = new FixedIdp(TokenForge.Set(_forge.RsaKey()));

    [Fact]
    public void Nothing_is_asked_before_it_is_needed()
    {
        _ = _idp.NewChecks();

        Assert.Empty(_idp.Asked);
    }

    [Fact]
    public async Task Keys_are_kept_for_five_minutes()
    {
        var metadata = _idp.NewMetadata();

        await metadata.KeysAsync(default);
        _idp.Clock.Advance(TimeSpan.FromSeconds(299));
        await metadata.KeysAsync(default);
        Assert.Equal(1, _idp.KeyFetches);

        _idp.Clock.Advance(TimeSpan.FromSeconds(1));
        await metadata.KeysAsync(default);
        await Until.TrueAsync("the keys are fetched again", () => _idp.KeyFetches == 2);
    }

    // An IdP that signs somebody out waits a few seconds and does not come back: a slow key set must not lose that.
    [Fact]
    public async Task While_newer_keys_are_slow_the_last_good_ones_answer_at_once_and_only_an_unknown_key_waits()
    {
        using var newer = new TokenForge();
        using var idp = new FixedIdp(TokenForge.Set(_forge.RsaKey()), TokenForge.Set(newer.RsaKey("k2")));
        var checks = idp.NewChecks();
        await AcceptedAsync(checks, _forge.IdToken("n"));
        var answer = new TaskCompletionSource();
        idp.Slow = answer.Task;
        idp.Clock.Advance(TimeSpan.FromMinutes(6));

        await AcceptedAsync(checks, _forge.IdToken("n")).WaitAsync(TimeSpan.FromSeconds(5));
        var unknown = AcceptedAsync(checks, newer.IdToken("n", """{"alg":"RS256","kid":"k2"}"""));
        Assert.False(unknown.IsCompleted);
        answer.SetResult();
        await unknown;
        Assert.Equal(2, idp.KeyFetches);
    }

    [Fact]
    public async Task Many_who_need_keys_at_once_share_one_fetch()
    {
        var metadata = _idp.NewMetadata();

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => metadata.KeysAsync(default))));

        Assert.Equal(1, _idp.KeyFetches);
    }

    [Fact]
    public async Task The_last_good_keys_bridge_an_outage_but_not_for_ever()
    {
        var checks = _idp.NewChecks();
        await AcceptedAsync(checks, _forge.IdToken("n"));
        _idp.Away = true;

        _idp.Clock.Advance(TimeSpan.FromMinutes(6));
        var asked = _idp.Asked.Count;
        await AcceptedAsync(checks, _forge.IdToken("n"));
        await Until.TrueAsync("the IdP was asked again", () => _idp.Asked.Count > asked);
        await AcceptedAsync(checks, _forge.IdToken("n"));
        Assert.Equal(1, _idp.Asked.Count - asked);

        _idp.Clock.Advance(TimeSpan.FromHours(24));
        Assert.IsType<IdTokenCheck.KeysUnavailable>(await CheckAsync(checks, _forge.IdToken("n")));
    }

    [Fact]
    public async Task Without_any_keys_the_answer_is_that_we_don_t_know_and_recovers()
    {
        var checks = _idp.NewChecks();
        _idp.Away = true;

        Assert.Equal("connection", Assert.IsType<IdTokenCheck.KeysUnavailable>(await CheckAsync(checks, _forge.IdToken("n"))).Error);
        _idp.Away = false;
        Assert.IsType<IdTokenCheck.KeysUnavailable>(await CheckAsync(checks, _forge.IdToken("n")));

        _idp.Clock.Advance(TimeSpan.FromSeconds(30));
        await AcceptedAsync(checks, _forge.IdToken("n"));
    }

    [Fact]
    public async Task Junk_is_refused_without_asking_for_keys()
    {
        _idp.Away = true;

        Assert.IsType<IdTokenCheck.Refused>(await CheckAsync(_idp.NewChecks(), "junk"));
        Assert.Empty(_idp.Asked);
    }

    [Fact]
    public async Task A_flood_of_made_up_key_ids_costs_one_fetch_in_thirty_seconds()
    {
        var checks = _idp.NewChecks();
        await AcceptedAsync(checks, _forge.IdToken("n"));

        for (var i = 0; i < 1000; i++)
        {
            var check = await CheckAsync(checks, _forge.IdToken("n", $$"""{"alg":"RS256","kid":"x{{i}}"}"""));
            Assert.Equal("key-unknown", Assert.IsType<IdTokenCheck.Refused>(check).Rule);
        }

        Assert.Equal(2, _idp.KeyFetches);
        _idp.Clock.Advance(TimeSpan.FromSeconds(30));
        await CheckAsync(checks, _forge.IdToken("n", """{"alg":"RS256","kid":"y"}"""));
        Assert.Equal(3, _idp.KeyFetches);
    }

    [Fact]
    public async Task A_rotation_during_such_a_flood_is_noticed_within_thirty_seconds()
    {
        using var newer = new TokenForge();
        using var idp = new FixedIdp(
            TokenForge.Set(_forge.RsaKey()), TokenForge.Set(_forge.RsaKey()), TokenForge.Set(newer.RsaKey("k2"), _forge.RsaKey()));
        var checks = idp.NewChecks();
        await CheckAsync(checks, _forge.IdToken("n", """{"alg":"RS256","kid":"flood"}"""));
        var token = newer.IdToken("n", """{"alg":"RS256","kid":"k2"}""");

        Assert.IsType<IdTokenCheck.Refused>(await CheckAsync(checks, token));
        idp.Clock.Advance(TimeSpan.FromSeconds(30));
        await AcceptedAsync(checks, token);
        Assert.Equal(3, idp.KeyFetches);
    }

    [Fact]
    public async Task An_unknown_key_while_keys_can_t_be_had_may_be_good()
    {
        var checks = _idp.NewChecks();
        await AcceptedAsync(checks, _forge.IdToken("n"));
        _idp.Away = true;
        var token = _forge.IdToken("n", """{"alg":"RS256","kid":"new"}""");

        Assert.IsType<IdTokenCheck.KeysUnavailable>(await CheckAsync(checks, token));
        Assert.IsType<IdTokenCheck.KeysUnavailable>(await CheckAsync(checks, token));
        await AcceptedAsync(checks, _forge.IdToken("n"));
    }

    [Theory]
    [InlineData("<html>portal</html>")]
    [InlineData("""{"keys":[]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","kid":"k1","n":"AQAB","e":"AQAB"}]}""")]
    public async Task A_set_without_usable_keys_does_not_replace_the_good_one(string body)
    {
        using var idp = new FixedIdp(TokenForge.Set(_forge.RsaKey()), body);
        var checks = idp.NewChecks();
        await AcceptedAsync(checks, _forge.IdToken("n"));

        idp.Clock.Advance(TimeSpan.FromMinutes(5));
        await AcceptedAsync(checks, _forge.IdToken("n"));
        await Until.TrueAsync("the keys are fetched again", () => idp.KeyFetches == 2);
        await AcceptedAsync(checks, _forge.IdToken("n"));
    }

    [Fact]
    public async Task A_set_of_five_megabytes_is_not_read()
    {
        using var idp = new FixedIdp(TokenForge.Set(_forge.RsaKey("k1", $",\"x\":\"{new string('x', 5_000_000)}\"")));

        var e = await Assert.ThrowsAsync<ProviderUnavailableException>(() => idp.NewMetadata().KeysAsync(default));

        Assert.Equal("too_large", e.Error);
    }

    [Fact]
    public async Task Private_members_of_a_published_key_are_not_used()
    {
        using var rsa = RSA.Create(2048);
        var d = System.Buffers.Text.Base64Url.EncodeToString(rsa.ExportParameters(true).D);
        using var idp = new FixedIdp(TokenForge.Set(TokenForge.Rsa(rsa, "k1", $",\"d\":\"{d}\"")));

        var keys = await idp.NewMetadata().KeysAsync(default);

        Assert.Equal(1, keys.Count);
    }

    [Theory]
    [InlineData("https://op.example.test/", "https://op.example.test/jwks", "issuer_mismatch")]
    [InlineData("https://OP.example.test", "https://op.example.test/jwks", "issuer_mismatch")]
    [InlineData("https://op.example.test", "http://op.example.test/jwks", "endpoint_refused")]
    [InlineData("https://op.example.test", "http://169.254.169.254/latest", "endpoint_refused")]
    [InlineData("https://op.example.test", "https://169.254.169.254/latest", "endpoint_refused")]
    [InlineData("https://op.example.test", "https://localhost/jwks", "endpoint_refused")]
    [InlineData("https://op.example.test", "https://[::1]/jwks", "endpoint_refused")]
    [InlineData("https://op.example.test", "https://user:pass@op.example.test/jwks", "endpoint_refused")]
    [InlineData("https://op.example.test", "file:///etc/passwd", "endpoint_refused")]
    [InlineData("https://op.example.test", "https://op.example.test/jwks#x", "endpoint_refused")]
    [InlineData("https://op.example.test", "/jwks", "endpoint_refused")]
    [InlineData("https://op.example.test", "", "endpoint_missing")]
    [InlineData("https://op.example.test", "https://keys.example.test/jwks", null)]
    public async Task A_discovery_document_must_be_the_issuer_s_and_lead_nowhere_else(string issuer, string keys, string? error)
    {
        // Server-side request forgery: whoever controls the document would otherwise choose whom we call.
        using var http = new HttpClient(new Canned($$"""
            {"issuer":"{{issuer}}","jwks_uri":"{{keys}}","authorization_endpoint":"https://op.example.test/a","token_endpoint":"https://op.example.test/t"}
            """));
        var metadata = new ProviderMetadata(FixedIdp.Issuer, http, new ManualClock(FixedIdp.Noon));

        if (error is null)
        {
            Assert.Equal(new Uri(keys), (await metadata.EndpointsAsync(default)).Keys);
        }
        else
        {
            Assert.Equal(error, (await Assert.ThrowsAsync<ProviderUnavailableException>(() => metadata.EndpointsAsync(default))).Error);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"issuer":7}""")]
    [InlineData("""{"issuer":"https://op.example.test","issuer":"https://evil.example.test"}""")]
    [InlineData("""{"issuer":"https://op.example.test","jwks_uri":[1]}""")]
    public async Task A_broken_discovery_document_is_no_answer(string body)
    {
        using var http = new HttpClient(new Canned(body));
        var metadata = new ProviderMetadata(FixedIdp.Issuer, http, new ManualClock(FixedIdp.Noon));

        await Assert.ThrowsAsync<ProviderUnavailableException>(() => metadata.EndpointsAsync(default));
    }

    public void Dispose()
    {
        _forge.Dispose();
        _idp.Dispose();
    }

    private static Task<IdTokenCheck> CheckAsync(TokenChecks checks, string token) => checks.IdTokenAsync(
        token, IdTokenExpectations.ForLogin(FixedIdp.Issuer, FixedIdp.ClientId, "n", accessToken: null), default);

    // Only the signature matters here: hours later the token itself has expired.
    private static async Task AcceptedAsync(TokenChecks checks, string token)
    {
        var check = await CheckAsync(checks, token);
        Assert.True(check is IdTokenCheck.Accepted or IdTokenCheck.Refused { Rule: "exp-passed" or "iat-old" }, check.ToString());
    }

    private sealed class Canned(string body) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent(body, Encoding.UTF8, "application/json"),
            });
    }
}
