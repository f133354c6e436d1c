using System.Net;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Compose;

/// <summary>The IdP's word counts, also when it changes while nobody asks, and also while the broker is dead.</summary>
[Collection(Caddy.Collection)]
public sealed class TheIdpDecidesTests(Caddy edge)
{
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
        try
        {
            await World.Idp.RemoveUserAsync("bob");
            await Until.TrueAsync("all sessions of bob are over",
                async () => (await World.QueryAsync("select id::text from eventauth.session where sub = 'bob' and ended_at is null")).Count == 0);
        }
        finally
        {
            await World.Idp.RestoreUserAsync("bob");
        }

        await Revocation.ArrivesAsync(bob);
        Assert.Contains("RefusedByProvider",
            await World.QueryAsync("select data ->> 'reason' from eventauth_events.mt_events where type = 'session_ended' order by seq_id desc limit 1"));
    }

    [ComposeFact]
    public async Task A_logout_is_refused_everywhere_in_time_while_the_broker_is_dead()
    {
        using var alice = World.NewBrowser();
        await alice.SignInAsync("alice");
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], await alice.AskGatewaysAsync());

        World.Kill("rabbitmq");
        try
        {
            await Revocation.AtTheIdpAsync(alice, World);
            await Revocation.ArrivesAsync(alice);
        }
        finally
        {
            World.StartAgain("rabbitmq");
        }
    }
}
