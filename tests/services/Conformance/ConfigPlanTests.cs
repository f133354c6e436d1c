using System.Net;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Conformance;

/// <summary>The modules of the conformance suite's Config plan: discovery and keys, each at an IdP of its own.</summary>
public sealed class ConfigPlanTests : IAsyncLifetime
{
    private TestStore? _store;
    private World? _world;

    private World World => _world!;

    public async Task InitializeAsync()
    {
        if (TestStore.IsConfigured)
        {
            _store = await TestStore.CreateAsync("configplan");
            _world = await World.StartAsync(_store);
            _world.Idp.SignInAs(ConformanceFixture.Alice);
        }
    }

    public async Task DisposeAsync()
    {
        await (_world?.DisposeAsync() ?? default);
        await (_store?.DisposeAsync() ?? default);
    }

    // oidcc-client-test-discovery-openid-config
    [StoreFact]
    public async Task Where_the_IdP_answers_is_read_from_its_document()
    {
        World.Idp.Deviations.Discovery = d => d["authorization_endpoint"] = World.Idp.Issuer + "/elsewhere?tenant=a%20b";
        var answer = await World.NewBrowser().VerifyAsync("/x");
        Assert.StartsWith(World.Idp.Issuer + "/elsewhere?tenant=a%20b&response_type=code", answer.Headers.Location!.AbsoluteUri, StringComparison.Ordinal);
    }

    // oidcc-client-test-discovery-jwks-uri-keys
    [StoreFact]
    public async Task Keys_are_fetched_from_where_the_document_says()
    {
        World.Idp.Deviations.Discovery = d => d["jwks_uri"] = World.Idp.Issuer + "/jwks?set=1";
        (await SignInAsync()).Accepted();
        Assert.Equal("1", World.Idp.Log.All.Single(r => r.Endpoint == StubEndpoint.Keys).Parameters["set"]);
    }

    // oidcc-client-test-discovery-issuer-mismatch. Services start without their IdP, so that existing sessions go on
    // (DESIGN 7 and 10): what must never happen is a login.
    [StoreTheory]
    [InlineData("/")]
    [InlineData("/other")]
    [InlineData("#")]
    public async Task Under_the_document_of_another_issuer_nobody_signs_in(string suffix)
    {
        World.Idp.Deviations.Discovery = d => d["issuer"] = World.Idp.Issuer + suffix;
        await (await SignInAsync()).RefusedAsync("provider issuer_mismatch", HttpStatusCode.BadGateway, tokenRequests: 0);
        Assert.Equal(0, World.Idp.Log.Count(StubEndpoint.Authorize));
    }

    // Server-side request forgery: whoever writes the document would otherwise choose whom we send the client's secret,
    // or make us call what only this machine can reach: a cloud's metadata service, a database's port.
    [StoreTheory]
    [InlineData("jwks_uri", "http://169.254.169.254/latest/meta-data")]
    [InlineData("jwks_uri", "https://169.254.169.254/latest/meta-data")]
    [InlineData("token_endpoint", "http://10.0.0.1/token")]
    [InlineData("token_endpoint", "http://idp.example.test/token")]
    [InlineData("userinfo_endpoint", "https://[fe80::1]/userinfo")]
    [InlineData("authorization_endpoint", "javascript:alert(1)")]
    [InlineData("token_endpoint", "https://user:pass@idp.example.test/token")]
    public async Task An_endpoint_that_we_must_not_call_is_refused_with_the_whole_document(string name, string address)
    {
        World.Idp.Deviations.Discovery = d => d[name] = address;
        await (await SignInAsync()).RefusedAsync("provider endpoint_refused", HttpStatusCode.BadGateway, tokenRequests: 0);
        Assert.Equal(0, World.Idp.Log.Count(StubEndpoint.Keys));
    }

    // oidcc-client-test-signing-key-rotation
    [StoreFact]
    public async Task After_a_rotation_the_next_login_is_verified_by_the_new_key()
    {
        (await SignInAsync()).Accepted();
        World.Idp.RotateKeys(keepOld: false);
        (await SignInAsync()).Accepted();
        Assert.Equal(2, World.Idp.Log.Count(StubEndpoint.Keys));
    }

    // oidcc-client-test-signing-key-rotation-just-before-signing
    [StoreFact]
    public async Task A_key_made_between_the_request_and_the_signature_is_fetched_then()
    {
        (await SignInAsync()).Accepted();
        World.Idp.Deviations.BeforeSigning = () => World.Idp.RotateKeys();
        (await SignInAsync()).Accepted();
        Assert.Equal(2, World.Idp.Log.Count(StubEndpoint.Keys));
    }

    // oidcc-client-test-idtoken-sig-none, as the Config plan has it: though the IdP offers it
    [StoreFact]
    public async Task An_IdP_that_offers_tokens_without_signature_changes_nothing()
    {
        World.Idp.Deviations.Discovery = d => d["id_token_signing_alg_values_supported"] = new System.Text.Json.Nodes.JsonArray("none", "RS256");
        World.Idp.Deviations.Signature = StubSignature.None;
        await (await SignInAsync()).RefusedAsync("id-token alg");
    }

    private Task<SignInTrial> SignInAsync() => SignInTrial.RunAsync(World, _store!);
}
