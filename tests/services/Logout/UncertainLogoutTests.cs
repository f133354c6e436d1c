using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Logout;

/// <summary>Logouts that are easily lost: an IdP that does not wait, and one that never told which session is which.</summary>
public sealed class UncertainLogoutTests(LiveStore store) : IClassFixture<LiveStore>
{
    [StoreFact]
    public async Task A_logout_counts_although_the_IdP_hung_up_while_its_keys_were_slow()
    {
        await using var world = await LogoutWorld.StartAsync(store);
        var session = await store.IssueAsync(world.Person("hung-up"));
        world.Idp.Script(StubEndpoint.Keys, StubAnswer.Slow(TimeSpan.FromSeconds(1)));
        using var patience = new CancellationTokenSource();
        using var form = new FormUrlEncodedContent([new("logout_token", world.Idp.LogoutToken("hung-up", null))]);
        var call = world.Http.PostAsync(world.Webhooks[0], form, patience.Token);

        await Until.TrueAsync("the keys are asked for", () => world.Idp.Log.Count(StubEndpoint.Keys) > 0);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Until.TrueAsync("the session is over", () => store.IsOverAsync(session));
    }

    [StoreFact]
    public async Task A_sid_that_we_never_heard_ends_all_of_a_person_whose_sessions_came_without_one()
    {
        await using var world = await LogoutWorld.StartAsync(store);
        var sessions = new List<SessionId> { await store.IssueAsync(world.Person("no-sid")), await store.IssueAsync(world.Person("no-sid")) };
        var token = world.Idp.LogoutToken("no-sid", "sid-never-heard");
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(token));
        Assert.All(await Task.WhenAll(sessions.Select(store.IsOverAsync)), Assert.True);

        var later = await store.IssueAsync(world.Person("no-sid"));
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(token));
        Assert.False(await store.IsOverAsync(later));
    }

    [StoreFact]
    public async Task A_sid_that_we_never_heard_ends_nothing_of_a_person_whose_sessions_all_have_one()
    {
        await using var world = await LogoutWorld.StartAsync(store);
        var session = await store.IssueAsync(world.Person("with-sid"), "sid-heard");
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("with-sid", "sid-not-heard")));
        Assert.False(await store.IsOverAsync(session));
    }
}
