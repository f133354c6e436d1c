using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Conformance;

/// <summary>The modules of the conformance suite's Refresh plan: a session whose access token has ended is used again.</summary>
public sealed class RefreshPlanTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new(TimeProvider.System.GetUtcNow());
    private TestStore? _store;
    private World? _world;

    private World World => _world!;

    public async Task InitializeAsync()
    {
        if (TestStore.IsConfigured)
        {
            _store = await TestStore.CreateAsync("refreshplan");
            _world = await World.StartAsync(_store, idp: new StubOptions { Clock = _clock }, clock: _clock);
        }
    }

    public async Task DisposeAsync()
    {
        await (_world?.DisposeAsync() ?? default);
        await (_store?.DisposeAsync() ?? default);
    }

    // oidcc-client-test-refresh-token. Whoever asks userinfo with the new token is the revalidator; the gateway has no question.
    [StoreFact]
    public async Task A_refresh_renews_the_tokens_and_the_session_goes_on()
    {
        var browser = await World.SignInAsync(ConformanceFixture.Alice);
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);

        var refresh = World.Idp.Log.All.Single(r => r.Parameters.GetValueOrDefault("grant_type") == "refresh_token");
        Assert.StartsWith("rt-", refresh.Parameters["refresh_token"], StringComparison.Ordinal);
        Assert.StartsWith("Basic ", refresh.Authorization, StringComparison.Ordinal);
        Assert.Equal("2", (await _store!.QueryAsync("select token_version from eventauth.session"))[0][0]);
    }

    // oidcc-client-test-refresh-token-invalid-issuer
    [StoreFact]
    public Task A_refreshed_ID_token_of_another_issuer_ends_the_session() =>
        EndsAsync(d => d.Claims = c => c["iss"] = "https://evil.test", "iss");

    // oidcc-client-test-refresh-token-invalid-sub
    [StoreFact]
    public Task A_refreshed_ID_token_of_another_person_ends_the_session() =>
        EndsAsync(d => d.Claims = c => c["sub"] = "mallory", "sub-changed");

    // A signature that does not hold says nothing about the person: nobody is signed out by it, nobody becomes somebody
    // else, and the session goes on as while the IdP can't be asked.
    [StoreFact]
    public async Task A_refreshed_ID_token_that_is_forged_is_not_believed_in_either_direction()
    {
        var browser = await World.SignInAsync(ConformanceFixture.Alice);
        World.Idp.Deviations.Signature = StubSignature.Broken;
        World.Idp.Deviations.Claims = c => c["sub"] = "mallory";
        _clock.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal("alice", (await browser.CallAsync()).Headers.GetValues(IdentityHeaders.User).Single());
        Assert.Equal(1, World.Idp.Log.Grants("refresh_token"));
        Assert.Empty(await _store!.QueryAsync("select 1 from eventauth_events.mt_events where type = 'session_ended'"));
        Assert.Equal("1", (await _store.QueryAsync("select token_version from eventauth.session"))[0][0]);
    }

    private async Task EndsAsync(Action<StubDeviations> deviate, string cause)
    {
        var browser = await World.SignInAsync(ConformanceFixture.Alice);
        deviate(World.Idp.Deviations);
        _clock.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);
        var ended = await _store!.QueryAsync(
            "select data ->> 'reason', data ->> 'cause' from eventauth_events.mt_events where type = 'session_ended'");
        Assert.Equal("IdentityChanged", Assert.Single(ended)[0]);
        Assert.Equal(cause, ended[0][1]);
    }
}
