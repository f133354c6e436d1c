using System.Text;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Conformance;

/// <summary>The modules of the OpenID conformance suite's Basic plan for relying parties, through the real gateway.</summary>
public sealed class BasicPlanTests(BasicPlanTests.Fixture fixture) : IClassFixture<BasicPlanTests.Fixture>
{
    // oidcc-client-test
    [StoreFact]
    public async Task A_login_asks_for_a_code_tokens_and_userinfo_once_each() => (await fixture.SignInAsync()).Accepted();

    // oidcc-client-test-invalid-iss
    [StoreFact]
    public async Task An_ID_token_of_another_issuer_is_refused() =>
        await (await fixture.SignInAsync(d => d.Claims = c => c["iss"] = "https://evil.test")).RefusedAsync("id-token iss");

    // oidcc-client-test-missing-sub
    [StoreFact]
    public async Task An_ID_token_without_sub_is_refused() =>
        await (await fixture.SignInAsync(d => d.Claims = c => c.Remove("sub"))).RefusedAsync("id-token sub");

    // oidcc-client-test-invalid-aud
    [StoreFact]
    public async Task An_ID_token_for_another_client_is_refused() =>
        await (await fixture.SignInAsync(d => d.Claims = c => c["aud"] = "another-client")).RefusedAsync("id-token aud");

    // oidcc-client-test-missing-aud
    [StoreFact]
    public async Task An_ID_token_without_audience_is_refused() =>
        await (await fixture.SignInAsync(d => d.Claims = c => c.Remove("aud"))).RefusedAsync("id-token aud");

    // oidcc-client-test-missing-iat
    [StoreFact]
    public async Task An_ID_token_without_the_time_of_its_making_is_refused() =>
        await (await fixture.SignInAsync(d => d.Claims = c => c.Remove("iat"))).RefusedAsync("id-token iat");

    // oidcc-client-test-kid-absent-single-jwks
    [StoreFact]
    public async Task An_ID_token_that_names_no_key_is_verified_by_the_one_there_is() =>
        (await fixture.SignInAsync(d => d.Header = h => h.Remove("kid"))).Accepted();

    // oidcc-client-test-idtoken-sig-rs256
    [StoreFact]
    public async Task A_signature_by_RS256_is_accepted() =>
        (await fixture.SignInAsync(d => d.Header = h => Assert.Equal("RS256", h["alg"]!.GetValue<string>()))).Accepted();

    // oidcc-client-test-idtoken-sig-none: the suite allows both, and is skipped by those who refuse
    [StoreFact]
    public async Task An_ID_token_without_signature_is_refused() =>
        await (await fixture.SignInAsync(d => d.Signature = StubSignature.None)).RefusedAsync("id-token alg");

    // oidcc-client-test-invalid-sig-rs256
    [StoreFact]
    public async Task A_signature_with_one_changed_bit_is_refused() =>
        await (await fixture.SignInAsync(d => d.Signature = StubSignature.Broken)).RefusedAsync("id-token signature");

    // oidcc-client-test-invalid-sig-rs256, by somebody who has a key of his own
    [StoreFact]
    public async Task A_signature_by_a_key_that_is_not_published_is_refused() =>
        await (await fixture.SignInAsync(d => d.Signature = StubSignature.OtherKey)).RefusedAsync("id-token signature");

    // oidcc-client-test-invalid-sig-hs256
    [StoreFact]
    public async Task A_signature_by_the_shared_secret_is_refused() =>
        await (await fixture.SignInAsync(d => d.Signature = StubSignature.SharedSecret)).RefusedAsync("id-token alg");

    // oidcc-client-test-invalid-sig-es256
    [StoreFact]
    public async Task A_signature_by_an_algorithm_that_is_not_configured_is_refused() =>
        await (await fixture.SignInAsync(d => d.Signature = StubSignature.Elliptic)).RefusedAsync("id-token alg");

    // oidcc-client-test-userinfo-invalid-sub
    [StoreFact]
    public async Task Userinfo_about_somebody_else_is_refused_and_begins_no_session() =>
        await (await fixture.SignInAsync(d => d.UserInfo = c => c["sub"] = "mallory"))
            .RefusedAsync("userinfo sub-changed", userInfoRequests: 1);

    // oidcc-client-test-nonce-invalid
    [StoreFact]
    public async Task An_ID_token_of_another_login_is_refused() =>
        await (await fixture.SignInAsync(d => d.Claims = c => c["nonce"] = "of-another-login")).RefusedAsync("id-token nonce");

    // oidcc-client-test-scope-userinfo-claims: what a gateway hands on of profile and email; it has no use for address and phone
    [StoreFact]
    public async Task Claims_that_only_userinfo_tells_reach_the_application()
    {
        var trial = await fixture.SignInAsync(d => d.Claims = c =>
        {
            c.Remove("email");
            c.Remove("email_verified");
            c.Remove("name");
            c.Remove("groups");
        });
        trial.Accepted();
        Assert.Equal("alice@example.test", trial.Answer.Headers.GetValues(IdentityHeaders.UserEmail).Single());
        Assert.Equal("Alice", trial.Answer.Headers.GetValues(IdentityHeaders.UserName).Single());
        Assert.Equal("staff", trial.Answer.Headers.GetValues(IdentityHeaders.UserGroups).Single());
    }

    // implicit in all modules: scope, redirect_uri, state, PKCE, and no token in an address
    [StoreFact]
    public async Task The_requests_are_those_of_the_specification_and_no_token_is_ever_in_an_address()
    {
        var world = fixture.World;
        world.Idp.Log.Clear();
        (await fixture.SignInAsync()).Accepted();
        var authorize = world.Idp.Log.All.Last(r => r.Endpoint == StubEndpoint.Authorize).Parameters;
        var token = world.Idp.Log.All.Last(r => r.Endpoint == StubEndpoint.Token).Parameters;
        var userInfo = world.Idp.Log.All.Last(r => r.Endpoint == StubEndpoint.UserInfo);

        Assert.Equal("code", authorize["response_type"]);
        Assert.Contains("openid", authorize["scope"].Split(' '));
        Assert.Equal($"{World.PublicUrl}/auth/callback", authorize["redirect_uri"]);
        Assert.Equal(authorize["redirect_uri"], token["redirect_uri"]);
        Assert.Equal(authorize["code_challenge"], Domain.Login.Pkce.Challenge(token["code_verifier"]));
        Assert.DoesNotContain("code_verifier", authorize.Keys);
        Assert.DoesNotContain(authorize.Keys.Concat(userInfo.Parameters.Keys), k => k.Contains("token", StringComparison.Ordinal));
        Assert.StartsWith("Bearer ", userInfo.Authorization, StringComparison.Ordinal);
    }

    public sealed class Fixture : ConformanceFixture;
}

/// <summary>Modules of the Basic plan that need an IdP of a special kind.</summary>
public sealed class BasicPlanKeysAndSecretsTests : IAsyncLifetime
{
    private TestStore? _store;

    public async Task InitializeAsync() => _store = TestStore.IsConfigured ? await TestStore.CreateAsync("basicplan") : null;

    public async Task DisposeAsync() => await (_store?.DisposeAsync() ?? default);

    // oidcc-client-test-kid-absent-single-jwks, with a key that is published without a name
    [StoreFact]
    public async Task The_one_key_may_have_no_name()
    {
        await using var world = await World.StartAsync(_store!);
        world.Idp.SignInAs(ConformanceFixture.Alice);
        world.Idp.SigningKeys.Nameless = true;
        (await SignInTrial.RunAsync(world, _store!)).Accepted();
    }

    // oidcc-client-test-kid-absent-multiple-jwks: the suite allows both; we try all keys that fit, four at most
    [StoreTheory]
    [InlineData(2)]
    [InlineData(4)]
    public async Task An_ID_token_that_names_no_key_is_verified_by_one_of_several(int keys)
    {
        await using var world = await World.StartAsync(_store!);
        world.Idp.SignInAs(ConformanceFixture.Alice);
        for (var more = 1; more < keys; more++)
        {
            world.Idp.RotateKeys();
        }

        world.Idp.Deviations.Header = h => h.Remove("kid");
        (await SignInTrial.RunAsync(world, _store!)).Accepted();
    }

    // oidcc-client-test-client-secret-basic (RFC 6749, 2.3.1): both are form-encoded before they are joined
    [StoreTheory]
    [InlineData("eventauth", "a:b%2Bc+d e&f=g")]
    [InlineData("client:with%colon", "pässwörd-€-日本")]
    [InlineData("a b", "~!*'()_.-/?#\"\\")]
    public async Task Id_and_secret_of_any_characters_arrive_as_they_are(string id, string secret)
    {
        await using var world = await World.StartAsync(
            _store!, idp: new StubOptions { ClientId = id, ClientSecret = secret, AuthenticationMethods = ["client_secret_basic"] });
        world.Idp.SignInAs(ConformanceFixture.Alice);
        (await SignInTrial.RunAsync(world, _store!)).Accepted();

        var sent = world.Idp.Log.All.Last(r => r.Endpoint == StubEndpoint.Token);
        var (name, password) = Encoding.ASCII.GetString(Convert.FromBase64String(sent.Authorization!["Basic ".Length..])).Split(':') is [var n, var p]
            ? (n, p)
            : throw new InvalidOperationException("the colon is not the only one");
        Assert.All(name + password, c => Assert.True(char.IsAsciiLetterOrDigit(c) || "%-_.~+*".Contains(c), $"'{c}' is not form-encoded"));
        Assert.DoesNotContain("client_secret", sent.Parameters.Keys);
    }
}
