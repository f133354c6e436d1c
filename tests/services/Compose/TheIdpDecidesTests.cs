using System.Net;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Compose;

/// <summary>The IdP's word counts, also when it changes while nobody asks, and also while the broker is dead.</summary>
[Collection(Caddy.Collection)]
public sealed class TheIdpDecidesTests(Caddy edge)
{
    private static readonly TimeSpan BrokerStart = TimeSpan.FromSeconds(60);

    private ComposeWorld World => edge.World;

    [ComposeFact]
    public async Task A_group_that_is_given_opens_and_one_that_is_taken_closes_after_the_next_revalidation()
    {
        using var bob = World.NewBrowser();
        await bob.SignInAsync("bob");
        Assert.Equal(HttpStatusCode.Forbidden, (await bob.CallAsync("/admin/")).Status);

        await World.Idp.SetGroupsAsync("bob", "staff", "admins");
        await Until.TrueAsync("bob is let in", async () => (await bob.CallAsync("/admin/")).Status == HttpStatusCode.OK);

        await World.Idp.SetGroupsAsync("bob", "staff");
        await Until.TrueAsync("bob is kept out", async () => (await bob.CallAsync("/admin/")).Status == HttpStatusCode.Forbidden);
        Assert.Equal(HttpStatusCode.OK, (await bob.CallAsync("/")).Status);
    }

    [ComposeFact]
    public async Task Somebody_whose_account_is_gone_is_out_although_they_asked_for_nothing()
    {
        using var bob = World.NewBrowser();
        await bob.SignInAsync("bob");
        var end = $"""
            select data ->> 'reason' from eventauth_events.mt_events
            where stream_id = 'session-{await bob.SessionIdAsync()}' and type = 'session_ended'
            """;
        List<string> reasons = [];

        await World.Idp.RemoveUserAsync("bob");
        try
        {
            await Until.TrueAsync("the session's end is on record", async () => (reasons = await World.QueryAsync(end)).Count > 0);
        }
        finally
        {
            await World.Idp.RestoreUserAsync("bob");
        }

        Assert.Equal(["RefusedByProvider"], reasons);
        await Revocation.ArrivesAsync(bob);
    }

    [ComposeFact]
    public async Task A_logout_arrives_everywhere_in_time_while_the_broker_is_dead_and_the_broker_is_heard_again_when_it_is_back()
    {
        using var alice = World.NewBrowser();
        await alice.SignInAsync("alice");
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], await alice.AskGatewaysAsync());

        await World.KillAsync("rabbitmq");
        try
        {
            await Until.TrueAsync("the gateways miss the broker", async () => (await World.HearBrokerAsync()).All(h => !h));
            await Revocation.AtTheIdpAsync(alice, World);
            await Revocation.ArrivesAsync(alice);
        }
        finally
        {
            World.StartAgain("rabbitmq");
        }

        await Until.TrueAsync("the gateways hear the broker again", async () => (await World.HearBrokerAsync()).All(h => h), BrokerStart);
    }
}
