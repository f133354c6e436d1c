using System.Text.Json.Nodes;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Conformance;

/// <summary>Modules of the suite's FAPI client tests that mean the same in plain OpenID Connect.</summary>
public sealed class FapiClientTests(FapiClientTests.Fixture fixture) : IClassFixture<FapiClientTests.Fixture>
{
    private static long Now => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    // invalid-secondary-aud: we trust no other client, so a token for two is not for us alone
    [StoreFact]
    public async Task A_second_audience_is_refused() =>
        await (await fixture.SignInAsync(d => d.Claims = c => c["aud"] = new JsonArray("eventauth", "another"))).RefusedAsync("id-token aud");

    // valid-aud-as-array
    [StoreFact]
    public async Task An_audience_of_one_in_a_list_is_accepted() =>
        (await fixture.SignInAsync(d => d.Claims = c => c["aud"] = new JsonArray("eventauth"))).Accepted();

    // invalid-missing-nonce, invalid-missing-exp, invalid-missing-iss
    [StoreTheory]
    [InlineData("nonce")]
    [InlineData("exp")]
    [InlineData("iss")]
    public async Task An_ID_token_must_have(string claim) =>
        await (await fixture.SignInAsync(d => d.Claims = c => c.Remove(claim))).RefusedAsync($"id-token {claim}");

    // invalid-expired-exp
    [StoreFact]
    public async Task An_expired_ID_token_is_refused() =>
        await (await fixture.SignInAsync(d => d.Claims = c => c["exp"] = Now - 120)).RefusedAsync("id-token exp-passed");

    // iat-is-week-in-past
    [StoreFact]
    public async Task An_ID_token_made_a_week_ago_is_refused_though_it_has_not_expired() =>
        await (await fixture.SignInAsync(d => d.Claims = c => c["iat"] = Now - (7 * 86_400))).RefusedAsync("id-token iat-old");

    // invalid-null-alg, invalid-alternate-alg: the header's word changes nothing about what is accepted
    [StoreTheory]
    [InlineData("none")]
    [InlineData("nOnE")]
    [InlineData("")]
    [InlineData("PS256")]
    [InlineData("RS384")]
    [InlineData("rs256")]
    public async Task A_header_that_names_another_algorithm_is_refused(string algorithm) =>
        await (await fixture.SignInAsync(d => d.Header = h => h["alg"] = algorithm)).RefusedAsync("id-token alg");

    // invalid-authorization-response-iss. Mix-up: a hostile IdP makes the browser bring it the code of an honest one.
    [StoreFact]
    public async Task An_answer_that_names_another_issuer_is_refused_before_anything_is_asked() =>
        await (await fixture.SignInAsync(d => d.Callback = p => p["iss"] = "https://evil.test")).RefusedAsync("iss", tokenRequests: 0);

    // remove-authorization-response-iss (RFC 9207): the stub's metadata promises the parameter
    [StoreFact]
    public async Task An_answer_without_the_issuer_that_was_promised_is_refused() =>
        await (await fixture.SignInAsync(d => d.Callback = p => p["iss"] = null)).RefusedAsync("iss-missing", tokenRequests: 0);

    // authorization-response-missing-state
    [StoreFact]
    public async Task An_answer_without_state_is_refused() =>
        await (await fixture.SignInAsync(d => d.Callback = p => p["state"] = null)).RefusedAsync("state", tokenRequests: 0);

    // authorization-response-invalid-state: begins anew, as it is mostly an old tab, and ends when it goes in circles
    [StoreFact]
    public async Task An_answer_with_another_state_asks_nothing_of_the_IdP_however_often_it_comes() =>
        await (await fixture.SignInAsync(d => d.Callback = p => p["state"] = p["state"] + "x")).RefusedAsync("circles cookies", tokenRequests: 0);

    // token-type-case-insensitivity
    [StoreFact]
    public async Task The_type_of_a_token_may_be_spelt_in_any_case() =>
        (await fixture.SignInAsync(d => d.TokenAnswer = a => a["token_type"] = "bEARER")).Accepted();

    // token endpoint response without expires_in; and with its other spellings
    [StoreFact]
    public async Task A_token_without_a_lifetime_is_given_a_usual_one()
    {
        (await fixture.SignInAsync(d => d.TokenAnswer = a => a.Remove("expires_in"))).Accepted();
        (await fixture.SignInAsync(d => d.TokenAnswer = a => a["expires_in"] = "300")).Accepted();
    }

    // token endpoint response without scope: as asked for; another one changes nothing, since no right comes of it
    [StoreFact]
    public async Task The_scope_of_a_token_may_be_silent_or_smaller()
    {
        (await fixture.SignInAsync(d => d.TokenAnswer = a => Assert.False(a.ContainsKey("scope")))).Accepted();
        (await fixture.SignInAsync(d => d.TokenAnswer = a => a["scope"] = "openid")).Accepted();
    }

    // encrypted ID token with RSA1_5
    [StoreFact]
    public async Task An_encrypted_ID_token_is_refused() =>
        await (await fixture.SignInAsync(d => d.IdToken = "eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0.AAAA.AAAA.AAAA.AAAA"))
            .RefusedAsync("id-token form");

    public sealed class Fixture : ConformanceFixture;
}

/// <summary>RFC 9207 at an IdP that does not promise the parameter.</summary>
public sealed class IssuerParameterTests(IssuerParameterTests.Fixture fixture) : IClassFixture<IssuerParameterTests.Fixture>
{
    [StoreFact]
    public async Task Where_it_is_not_promised_it_may_be_missing_or_right_but_never_wrong()
    {
        (await fixture.SignInAsync()).Accepted();
        (await fixture.SignInAsync(d => d.Callback = p => p["iss"] = fixture.World.Idp.Issuer)).Accepted();
        await (await fixture.SignInAsync(d => d.Callback = p => p["iss"] = fixture.World.Idp.Issuer + "/")).RefusedAsync("iss", tokenRequests: 0);
    }

    [StoreFact]
    public async Task Two_of_them_are_refused_though_one_is_right()
    {
        var trial = await fixture.SignInAsync(walk: async browser =>
        {
            var callback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
            var right = Uri.EscapeDataString(fixture.World.Idp.Issuer);
            return await browser.GetAsync($"{callback.Headers.Location!.PathAndQuery}&iss={right}&iss={right}");
        });
        await trial.RefusedAsync("iss-twice", tokenRequests: 0);
    }

    public sealed class Fixture : ConformanceFixture
    {
        internal override async Task<World> StartAsync(TestStore store)
        {
            var world = await World.StartAsync(store, idp: new StubOptions { IssuerInResponse = false });
            world.Idp.SignInAs(Alice);
            return world;
        }
    }
}
