using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Faults;

/// <summary>F40: a newer version of another service has written what this one does not know. Never skipped in silence.</summary>
public sealed class UnknownKindTests(UnknownKindTests.Setup setup) : IClassFixture<UnknownKindTests.Setup>
{
    public sealed class Setup : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store);
    }

    [StoreFact]
    public async Task A_feed_row_of_an_unknown_kind_revokes_its_key_and_nobody_else()
    {
        var (alice, bob) = (await setup.World.SignInAsync(new StubUser("kind-alice")), await setup.World.SignInAsync(new StubUser("kind-bob")));
        await setup.Store.ExecuteAsync($"""
            insert into eventauth.revocation (position, kind, key, stream_id, event_id, committed_at)
            values (eventauth.draw_position(), 9, '{new Subject(setup.World.Idp.Issuer, "kind-alice").Key.Value}', 'newer', gen_random_uuid(), now())
            """);

        await RefusedAsync(alice);
        Assert.Equal(HttpStatusCode.OK, (await bob.CallAsync()).StatusCode);
    }

    // The session cannot be replayed any more: an end of it by its person must fail aloud, and a logout must work all the same.
    [StoreFact]
    public async Task An_unknown_event_in_a_sessions_stream_is_an_error_and_a_revocation_works_all_the_same()
    {
        var (alice, bob) = (await setup.World.SignInAsync(new StubUser("event-alice")), await setup.World.SignInAsync(new StubUser("event-bob")));
        var id = (await setup.Store.QueryAsync("select id from eventauth.session where sub = 'event-alice'"))[0][0].Replace("-", "", StringComparison.Ordinal);
        await setup.Store.ExecuteAsync($$"""
            select eventauth.append('session-{{id}}', 'session', 1, array[gen_random_uuid()], array['session_teleported'],
              array['Newer.SessionTeleported, Newer'], array['{}'], null, null)
            """);

        var ended = await alice.OwnAsync(HttpMethod.Post, $"/api/sessions/{id}/end", change: r => r.Headers.Add("Origin", World.PublicUrl));

        Assert.True((int)ended.StatusCode >= 500, $"the end was answered {ended.StatusCode}");
        Assert.Equal("2", (await setup.Store.QueryAsync($"select count(*) from eventauth_events.mt_events where stream_id = 'session-{id}'"))[0][0]);
        foreach (var (sub, browser) in new[] { ("event-alice", alice), ("event-bob", bob) })
        {
            var webhook = new Uri(setup.World.Logout.Public, "/backchannel-logout");
            Assert.Equal(200, await setup.World.Idp.SendLogoutTokenAsync(webhook, sub, null, default));
            await RefusedAsync(browser);
        }

        await Until.TrueAsync("the other's end is written: the broken stream holds nobody up", async () =>
            (await setup.Store.QueryAsync("select count(*) from eventauth.session where sub = 'event-bob' and ended_at is not null"))[0][0] == "1");
    }

    private static Task RefusedAsync(Browser browser) =>
        Until.TrueAsync("the gateway refuses", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
}
