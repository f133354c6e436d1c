using System.Net;
using System.Text.Json.Nodes;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Logout;

/// <summary>A18: what becomes of the refresh tokens of sessions that a logout token ends.</summary>
public sealed class OfflineAccessTests(OfflineAccessTests.Setup setup) : IClassFixture<OfflineAccessTests.Setup>
{
    public sealed class Setup : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store);
    }

    private World World => setup.World;

    private IReadOnlyList<string> Revoked(string kind) =>
        [.. World.Idp.Log.All.Where(r => r.Endpoint == StubEndpoint.Revoke && r.Parameters["token_type_hint"] == kind)
            .Select(r => r.Parameters["token"])];

    [StoreFact]
    public async Task A18_a_logout_of_offline_access_takes_the_refresh_token_back_at_the_IdP_once()
    {
        await World.SignInAsync(new StubUser("offline"));
        var sid = (await setup.Store.QueryAsync("select sid from eventauth.session where sub = 'offline'"))[0][0];
        var before = Revoked("refresh_token").Count;
        var token = World.Idp.LogoutToken(null, sid, OfOfflineAccess);

        Assert.Equal(200, await SendAsync(token));

        await Until.TrueAsync("the refresh token was taken back", () => Revoked("refresh_token").Count == before + 1);
        await Until.TrueAsync("and the access token", () => Revoked("access_token").Count >= 1);
        Assert.Equal(200, await SendAsync(token));
        await EndedAsync("offline");
        Assert.Equal(before + 1, Revoked("refresh_token").Count);
    }

    [StoreFact]
    public async Task A18_by_sub_it_takes_back_those_of_all_sessions_of_the_person_and_of_nobody_else()
    {
        var other = await World.SignInAsync(new StubUser("offline-other"));
        await World.SignInAsync(new StubUser("offline-two"));
        await World.SignInAsync(new StubUser("offline-two"));
        var before = Revoked("refresh_token").ToList();

        Assert.Equal(200, await SendAsync(World.Idp.LogoutToken("offline-two", null, OfOfflineAccess)));

        await Until.TrueAsync("both were taken back", () => Revoked("refresh_token").Except(before).Count() == 2);
        Assert.Equal(HttpStatusCode.OK, (await other.CallAsync()).StatusCode);
    }

    [StoreFact]
    public async Task A18_any_other_logout_leaves_them_to_the_IdP_and_drops_ours()
    {
        await World.SignInAsync(new StubUser("online"));
        var before = Revoked("refresh_token").Count;

        Assert.Equal(200, await SendAsync(World.Idp.LogoutToken("online", null)));

        await EndedAsync("online");
        Assert.Equal(before, Revoked("refresh_token").Count);
    }

    // The IdP's revocation endpoint is not what a logout waits for, and its outage is no reason to call the logout failed.
    [StoreFact]
    public async Task A18_a_revocation_endpoint_that_fails_delays_no_logout()
    {
        await World.SignInAsync(new StubUser("hanging"));
        World.Idp.Script(StubEndpoint.Revoke, StubAnswer.Empty(503));

        Assert.Equal(200, await SendAsync(World.Idp.LogoutToken("hanging", null, OfOfflineAccess)));

        await EndedAsync("hanging");
    }

    // A token that is refused must not cost anybody the tokens at the IdP.
    [StoreFact]
    public async Task A18_a_refused_logout_takes_nothing_back()
    {
        var victim = await World.SignInAsync(new StubUser("offline-victim"));
        var sid = (await setup.Store.QueryAsync("select sid from eventauth.session where sub = 'offline-victim'"))[0][0];
        var before = Revoked("refresh_token").Count;

        Assert.Equal(400, await SendAsync(World.Idp.LogoutToken("offline-mallory", sid, OfOfflineAccess)));

        Assert.Equal(HttpStatusCode.OK, (await victim.CallAsync()).StatusCode);
        Assert.Equal(before, Revoked("refresh_token").Count);
    }

    private static void OfOfflineAccess(JsonObject claims) => claims["events"]!["revoke_offline_access"] = true;

    private Task<int> SendAsync(string token) =>
        World.Idp.PostLogoutTokenAsync(new Uri(World.Logout.Public, "/backchannel-logout"), token, CancellationToken.None);

    private Task EndedAsync(string sub) => Until.TrueAsync("its tokens are gone here", async () => (await setup.Store.QueryAsync($"""
        select count(*) from eventauth.session s where s.sub = '{sub}'
          and (s.ended_at is null or exists (select 1 from eventauth.session_token t where t.session_id = s.id))
        """))[0][0] == "0");
}
