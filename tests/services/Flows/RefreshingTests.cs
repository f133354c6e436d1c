using System.Net;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Flows;

/// <summary>Tokens are renewed once, however many requests on however many gateways find them expired.</summary>
public sealed class RefreshingTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new(TimeProvider.System.GetUtcNow());
    private TestStore? _store;
    private World? _world;

    private World World => _world!;

    public async Task InitializeAsync()
    {
        if (TestStore.IsConfigured)
        {
            _store = await TestStore.CreateAsync("refreshing");
            _world = await World.StartAsync(_store, gateways: 2, idp: new StubOptions { Clock = _clock }, clock: _clock);
        }
    }

    public async Task DisposeAsync()
    {
        await (_world?.DisposeAsync() ?? default);
        await (_store?.DisposeAsync() ?? default);
    }

    // A dashboard with fifty panels comes back after a night: with a rotating refresh token a second use would look like
    // theft, and the IdP would end the whole family.
    [StoreFact]
    public async Task Fifty_requests_on_an_expired_token_over_two_gateways_make_one_call()
    {
        var browser = await SignedInAsync();
        _clock.Advance(TimeSpan.FromMinutes(5));

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => browser.CallAsync(gateway: i % 2)));

        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.StatusCode));
        Assert.Equal(1, World.Idp.Log.Grants("refresh_token"));
    }

    [StoreFact]
    public async Task Shortly_before_the_end_the_request_is_served_at_once_and_the_renewal_goes_on_behind_it()
    {
        var browser = await SignedInAsync();
        World.Idp.Script(StubEndpoint.Token, StubAnswer.Slow(TimeSpan.FromSeconds(1)));
        _clock.Advance(TimeSpan.FromSeconds(270));
        await Until.TrueAsync("the feed is fresh again", () =>
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            return World.Gateways[0].IsReadyAsync();
        });

        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        Assert.Equal(0, World.Idp.Log.Grants("refresh_token"));

        await Until.TrueAsync("the tokens are renewed", async () =>
            (await _store!.QueryAsync("select token_version from eventauth.session"))[0][0] == "2");
    }

    [StoreFact]
    public async Task A_refresh_token_that_the_IdP_refuses_ends_the_session_and_the_reason_is_on_record()
    {
        var browser = await SignedInAsync();
        World.Idp.Withdraw("alice");
        _clock.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);

        var ended = await _store!.QueryAsync("select data ->> 'reason', data ->> 'cause' from eventauth_events.mt_events where type = 'session_ended'");
        Assert.Equal(["RefusedByProvider", "invalid_grant"], Assert.Single(ended));
    }

    // The IdP's answer got lost, and it had rotated the token: the next try looks like theft. That is our loss and costs one
    // session; it is not the IdP's verdict on the person.
    [StoreFact]
    public async Task A_refresh_whose_outcome_nobody_knows_is_never_taken_for_a_verdict_on_the_person()
    {
        var browser = await SignedInAsync();
        World.Idp.Script(StubEndpoint.Token, StubAnswer.Empty(503));
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);

        World.Idp.Withdraw("alice");
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);

        var ended = await _store!.QueryAsync("select data ->> 'reason' from eventauth_events.mt_events where type = 'session_ended'");
        Assert.Equal(["RefreshLost"], Assert.Single(ended));
    }

    // While the IdP hangs, pages that need nobody must not wait for it.
    [StoreFact]
    public async Task A_public_path_does_not_wait_for_a_renewal()
    {
        var browser = await SignedInAsync();
        World.Idp.Always(StubEndpoint.Token, StubAnswer.Hang());
        _clock.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync("/public/logo.png")).StatusCode);
        Assert.Equal(0, World.Idp.Log.Grants("refresh_token"));
    }

    // "Store or IdP not reachable" is never "no session": an outage of the IdP must not sign a whole company out.
    [StoreFact]
    public async Task While_the_IdP_is_away_an_expired_token_is_no_reason_to_end_a_session()
    {
        var browser = await SignedInAsync();
        World.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
        _clock.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        _clock.Advance(TimeSpan.FromMinutes(14));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await browser.CallAsync()).StatusCode);

        World.Idp.Heal(StubEndpoint.Token);
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
    }

    // After the age limit a program gets 401 at once; a person who opens a page still gets one try.
    [StoreFact]
    public async Task An_old_refresh_token_is_not_tried_for_programs()
    {
        var browser = await SignedInAsync();
        _clock.Advance(TimeSpan.FromHours(7));

        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);
        Assert.Equal(0, World.Idp.Log.Grants("refresh_token"));
        Assert.Equal(HttpStatusCode.OK, (await browser.VerifyAsync()).StatusCode);
    }

    private async Task<Browser> SignedInAsync()
    {
        World.Idp.SignInAs(new StubUser("alice"));
        var browser = World.NewBrowser();
        await browser.OpenAsync();
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 0)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);
        return browser;
    }
}
