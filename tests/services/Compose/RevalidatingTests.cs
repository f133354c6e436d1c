using System.Net;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Compose;

/// <summary>The IdP's word counts, also when it changes while nobody asks.</summary>
[Collection(Nginx.Collection)]
public sealed class RevalidatingTests(Nginx edge)
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
}
