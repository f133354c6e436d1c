using System.Net;
using System.Text.Json.Nodes;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Flows;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Logout;

/// <summary>Logouts that meet other things: many sessions, a refresh, an older end, a clock that is ahead.</summary>
public sealed class LogoutRaceTests(LiveStore store) : IClassFixture<LiveStore>
{
    // The answer must come within the webhook's limit of 2.5 s for the store, or it would be 503.
    [StoreFact]
    public async Task A02_ten_thousand_sessions_of_one_person_are_one_event_and_one_row()
    {
        await using var world = await LogoutWorld.StartAsync(store);
        var person = world.Person("crowd");
        var session = await store.IssueAsync(person, "sid-crowd");
        await store.ExecuteAsync("""
            insert into {own}.session (id, version, subject_key, sid_key, issuer, sub, sid, client_id, groups, roles, position, issued_at,
              expires_at, tokens_at, access_expires_at, refreshable, token_version, verified_at, next_check_at)
            select gen_random_uuid(), version, subject_key, gen_random_uuid(), issuer, sub, sid || i, client_id, groups, roles, position, issued_at,
              expires_at, tokens_at, access_expires_at, refreshable, token_version, verified_at, next_check_at
            from {own}.session cross join generate_series(1, 10000) i where id = $1
            """, session.Value);
        var head = await store.HeadAsync();

        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("crowd", null)));

        Assert.Equal(10_001, await store.CountAsync("""
            select count(*) from {own}.session s where s.subject_key = $1
              and exists (select 1 from {own}.revocation r where r.key = s.subject_key and r.position > s.position)
            """, person.Key.Value));
        Assert.Single(await store.RevocationsOfAsync(person));
        Assert.Equal(1, await store.CountAsync("select count(*) from {own}.revocation where position > $1 and kind <> 3", head));
        await store.ExecuteAsync("delete from {own}.session where subject_key = $1 and id <> $2", person.Key.Value, session.Value);
    }

    // mod_auth_openidc until 2026-08: an index by sub with room for one session. Ending the older one emptied it, and a
    // logout by sub then did nothing to the newer one.
    [StoreFact]
    public async Task A02_after_the_older_session_ended_a_sub_still_ends_the_newer()
    {
        await using var world = await LogoutWorld.StartAsync(store);
        var older = await store.IssueAsync(world.Person("two"), "sid-two-1");
        var newer = await store.IssueAsync(world.Person("two"), "sid-two-2");
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken(null, "sid-two-1")));
        await Until.TrueAsync("the older has ended", async () => await store.SessionAsync(older) is Session.Ended);
        Assert.False(await store.IsOverAsync(newer));

        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("two", null)));

        Assert.True(await store.IsOverAsync(newer));
    }

    // CVE-2019-10157: the moment of the revocation was taken from the token, and one from the future locked people out for
    // ever. Ours is the moment of our commit, and order decides anyway.
    [StoreFact]
    public async Task A_token_from_a_clock_that_is_ahead_locks_nobody_out()
    {
        await using var world = await LogoutWorld.StartAsync(store);
        var now = TimeProvider.System.GetUtcNow();
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("ahead", null, c =>
        {
            c["iat"] = now.AddSeconds(50).ToUnixTimeSeconds();
            c["exp"] = now.AddYears(1).ToUnixTimeSeconds();
        })));

        Assert.False(await store.IsOverAsync(await store.IssueAsync(world.Person("ahead"))));
        var revoked = Assert.Single(await store.RevocationsOfAsync(world.Person("ahead")));
        Assert.True(revoked.NotBefore < now.AddSeconds(50), "the moment is that of the commit");
        Assert.Equal(0, await store.CountAsync(
            "select count(*) from {own}.logout_token where expires_at > clock_timestamp() + interval '10 minutes'"));
    }

    // The IdP has already written new tokens when the logout comes: they must not bring the session back, and must not live on.
    [StoreFact]
    public async Task A06_a_logout_between_the_IdPs_answer_and_the_store_drops_and_revokes_the_new_tokens()
    {
        await using var world = await RefreshWorld.StartAsync("logoutrefresh", settings: ("refresh.lease", "15s"));
        var (browser, id) = await world.SignInAsync("racing");
        var hold = world.HoldAt(0, Failpoints.RefreshBeforeStore);
        var late = world.RefreshAsync(0, id);
        await hold.ReachedAsync();

        Assert.Equal(200, await world.Idp.SendLogoutTokenAsync(
            new Uri(world.Services.Logout.Public, "/backchannel-logout"), "racing", null, default));
        await Until.TrueAsync("the end is written", async () => (await world.EndReasonsAsync()).Count == 1);
        hold.Release();
        await late;

        await Until.TrueAsync("the IdP takes the new refresh token back", () => world.Idp.Log.All.Any(r =>
            r.Endpoint == StubEndpoint.Revoke && r.Parameters["token_type_hint"] == "refresh_token"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);
        Assert.Equal([nameof(EndReason.BackchannelLogout)], await world.EndReasonsAsync());
        Assert.Equal("0", (await world.QueryAsync("select count(*) from eventauth.session_token"))[0][0]);
    }

    // 2.8 to the letter says 400 when a logout failed. IdPs come again after a 503 and not after a 400, so that is a setting.
    [StoreTheory]
    [InlineData("503", HttpStatusCode.ServiceUnavailable)]
    [InlineData("400", HttpStatusCode.BadRequest)]
    public async Task A13_what_an_IdP_hears_of_an_outage_is_a_setting(string setting, HttpStatusCode status)
    {
        await using var world = await LogoutWorld.StartAsync(store, postgres: LiveStore.Nowhere(store.Settings),
            settings: ("logout.unavailableStatus", setting));
        using var answer = await world.PostAsync(world.Idp.LogoutToken("a13-setting", null));
        Assert.Equal(status, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Contains("temporarily_unavailable", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        LogoutWorld.AssertHeaders(answer);
        Assert.Equal(1, await world.CountedAsync("eventauth_logout_tokens_total", "unavailable"));
    }

    [StoreTheory]
    [InlineData("a page")]
    [InlineData("no keys")]
    [InlineData("five megabytes")]
    public async Task A23_a_key_set_that_has_turned_bad_leaves_the_last_good_one_in_use(string kind)
    {
        await using var world = await LogoutWorld.StartAsync(store);
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("a23", null)));
        world.Idp.Always(StubEndpoint.Keys, kind switch
        {
            "a page" => StubAnswer.Text(200, "<html>maintenance</html>", "text/html"),
            "no keys" => StubAnswer.Text(200, """{"keys":[]}"""),
            _ => StubAnswer.Text(200, "{\"keys\":[\"" + new string('x', 5_000_000) + "\"]}"),
        });
        using var rotated = new StubKeys();
        rotated.Rotate(keepOld: true);
        var newer = "";
        world.Idp.LogoutToken("a23", null, c => newer = rotated.Sign(c.DeepClone().AsObject(), "logout+jwt"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await world.SendAsync(newer));
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("a23", null)));
    }

    [StoreFact]
    public async Task A23_of_two_keys_with_one_id_and_a_broken_one_the_right_one_counts()
    {
        await using var world = await LogoutWorld.StartAsync(store);
        using var other = new StubKeys();
        var published = JsonNode.Parse(other.ToJson())!;
        var keys = published["keys"]!.AsArray();
        keys.Add(JsonNode.Parse("""{"kty":"RSA","kid":"stub-1","n":"?","e":"AQAB"}"""));
        keys.Add(JsonNode.Parse(world.Idp.SigningKeys.ToJson())!["keys"]![0]!.DeepClone());
        world.Idp.Always(StubEndpoint.Keys, StubAnswer.Text(200, published.ToJsonString()));

        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("a23-two", null)));
    }
}
