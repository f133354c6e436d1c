using System.Net;
using EventAuth.Contracts;
using EventAuth.Gateway.Cache;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Flows;

/// <summary>How long somebody is let in on an expired token while the IdP does not answer: as the revalidator counts it.</summary>
public sealed class UnansweredTests
{
    private static readonly (string, string) Limit = ("revalidation.maxUnverifiedAge", "5m");

    // Whoever came back from lunch during an outage got 503 at once, while the others worked on for a quarter of an hour.
    [StoreFact]
    public async Task A_rest_before_the_outage_does_not_count_and_every_gateway_counts_from_the_same_question()
    {
        await using var world = await RefreshWorld.StartAsync("restedout", true, null, Limit, ("revalidation.interval", "60s"));
        var (browser, _) = await world.SignInAsync();
        for (var outage = 1; outage <= 2; outage++)
        {
            world.Advance(TimeSpan.FromHours(2));
            world.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
            Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 0)).StatusCode);
            world.Advance(TimeSpan.FromSeconds(239));
            Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);
            world.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await browser.CallAsync(gateway: 1)).StatusCode);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await browser.CallAsync(gateway: 0)).StatusCode);

            // The IdP answers, a little later than its next probe; a new outage is counted anew.
            world.Idp.Heal(StubEndpoint.Token);
            world.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(HttpStatusCode.OK, (await browser.VerifyAsync()).StatusCode);
        }
    }

    // Our secret is wrong: nothing is noted, or an outage of a moment after the repair would end everybody's session. But nobody is let in on an old word.
    [StoreFact]
    public async Task While_the_IdP_rejects_us_its_last_word_counts_from_when_it_was_said()
    {
        await using var world = await RefreshWorld.StartAsync("restedsecret", true, null, Limit, ("revalidation.interval", "60s"));
        var (browser, _) = await world.SignInAsync();
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Error("invalid_client", 401));
        world.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        world.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await browser.CallAsync()).StatusCode);
        Assert.Equal([""], Assert.Single(await world.QueryAsync("select unanswered_at from eventauth.session")));
    }

    // Checks of a session tell no gateway; what it knows of the last one is what grace rests on when the store is away.
    [StoreFact]
    public async Task A_gateway_learns_when_the_sessions_in_use_were_last_verified()
    {
        await using var world = await RefreshWorld.StartAsync("learns", stands: true);
        var (browser, id) = await world.SignInAsync();
        await world.Store.ExecuteAsync("update eventauth.session set verified_at = verified_at + interval '1 hour'");
        var before = Verified(world, id);
        world.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        await Until.TrueAsync("it has learnt it", () =>
        {
            world.Advance(TimeSpan.FromSeconds(1));
            return Verified(world, id) == before + 3600;
        });
    }

    private static long Verified(RefreshWorld world, SessionId id)
    {
        Assert.True(world.Of<SessionCache>(0).TryGet(id, out var session, out _));
        return session.VerifiedAt;
    }
}
