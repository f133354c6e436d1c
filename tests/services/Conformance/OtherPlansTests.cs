using System.Net;
using System.Text.Json.Nodes;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Conformance;

/// <summary>Modules of the suite's other relying-party plans that apply to a gateway with the code flow.</summary>
public sealed class OtherPlansTests(OtherPlansTests.Fixture fixture) : IClassFixture<OtherPlansTests.Fixture>
{
    private World World => fixture.World;

    // oidcc-client-test-userinfo-bearer-header (and -body: never)
    [StoreFact]
    public async Task The_access_token_goes_to_userinfo_in_the_header_only()
    {
        (await fixture.SignInAsync()).Accepted();
        var asked = World.Idp.Log.All.Last(r => r.Endpoint == StubEndpoint.UserInfo);
        Assert.Equal("GET", asked.Method);
        Assert.Empty(asked.Parameters);
        Assert.StartsWith("Bearer at-", asked.Authorization, StringComparison.Ordinal);
    }

    // oidcc-client-test-nonce-unless-code-flow
    [StoreFact]
    public async Task A_nonce_is_sent_with_every_login_and_never_the_same()
    {
        for (var login = 0; login < 3; login++)
        {
            (await fixture.SignInAsync()).Accepted();
        }

        var nonces = World.Idp.Log.All.Where(r => r.Endpoint == StubEndpoint.Authorize).Select(r => r.Parameters["nonce"]).ToList();
        Assert.True(nonces.Count >= 3);
        Assert.All(nonces, n => Assert.Equal(43, n.Length));
        Assert.Equal(nonces.Count, nonces.Distinct().Count());
    }

    // oidcc-client-test-invalid-athash. An access token was exchanged for another on its way.
    [StoreFact]
    public async Task An_access_token_of_another_ID_token_is_refused() =>
        await (await fixture.SignInAsync(d => d.Claims = c => c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA")).RefusedAsync("id-token at_hash");

    // oidcc-client-test-missing-athash: optional in the code flow
    [StoreFact]
    public async Task Without_a_hash_of_the_access_token_a_login_goes_on() =>
        (await fixture.SignInAsync(d => d.Claims = c => c.Remove("at_hash"))).Accepted();

    // oidcc-client-test-aggregated-claims, -distributed-claims. Server-side request forgery: whoever can write claims
    // would choose an address that we call.
    [StoreFact]
    public async Task Claims_that_are_somewhere_else_are_not_fetched()
    {
        var sources = $$$"""{"a":{"endpoint":"{{{World.Idp.Issuer}}}/claims","access_token":"x"},"b":{"JWT":"a.b.c"}}""";
        (await fixture.SignInAsync(d => d.UserInfo = c =>
        {
            c["_claim_names"] = JsonNode.Parse("""{"groups":"a","email":"b"}""");
            c["_claim_sources"] = JsonNode.Parse(sources);
        })).Accepted();
        Assert.Equal(0, World.Idp.Log.Count(StubEndpoint.None));
    }

    // oidcc-client-test-userinfo-signed
    [StoreFact]
    public async Task Signed_userinfo_is_verified_and_read()
    {
        var trial = await fixture.SignInAsync(d =>
        {
            d.SignsUserInfo = true;
            d.Claims = c => c.Remove("groups");
        });
        trial.Accepted();
        Assert.Equal("staff", trial.Answer.Headers.GetValues(IdentityHeaders.UserGroups).Single());
    }

    // The same about somebody else, for somebody else, or of somebody else. What can't be believed adds nothing.
    [StoreFact]
    public async Task Signed_userinfo_of_another_person_ends_the_login() =>
        await (await fixture.SignInAsync(d => (d.SignsUserInfo, d.UserInfo) = (true, c => c["sub"] = "mallory")))
            .RefusedAsync("userinfo sub-changed", userInfoRequests: 1);

    [StoreTheory]
    [InlineData("iss", "https://evil.test")]
    [InlineData("aud", "another-client")]
    public async Task Signed_userinfo_for_somebody_else_tells_nothing(string claim, string value)
    {
        var trial = await fixture.SignInAsync(d =>
        {
            d.SignsUserInfo = true;
            d.Claims = c => c.Remove("groups");
            d.UserInfo = c => c[claim] = value;
        });
        trial.Accepted();
        Assert.Equal("", trial.Answer.Headers.GetValues(IdentityHeaders.UserGroups).Single());
    }

    // oidcc-client-test-form-post-error: form_post is not offered
    [StoreFact]
    public async Task A_form_that_is_posted_to_the_callback_is_not_read()
    {
        using var form = new FormUrlEncodedContent([new("state", "s"), new("error", "e"), new("error_description", "<script>")]);
        var answer = await World.NewBrowser().OwnAsync(HttpMethod.Post, "/auth/callback", form);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal("", await answer.Content.ReadAsStringAsync());
    }

    public sealed class Fixture : ConformanceFixture;
}
