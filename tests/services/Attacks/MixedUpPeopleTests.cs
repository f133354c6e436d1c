using System.Net;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Cache;
using EventAuth.Services.Tests.Cache;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>
/// CVE-2026-71326, CVE-2025-26620: requests that came at once were answered by one call, and its key was too short or joined
/// without a mark, so somebody got somebody else's identity.
/// </summary>
public sealed class MixedUpPeopleTests
{
    private const int Rounds = 10;
    private const int RequestsPerRound = 1000;

    // Ten times the tokens of both expire, so each round goes through memory, the store, the refresh and what waits for it.
    [StoreFact]
    public async Task TR5_of_two_people_who_ask_in_turns_ten_thousand_times_neither_is_taken_for_the_other()
    {
        await using var store = await TestStore.CreateAsync("mixedup");
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        await using var world = await World.StartAsync(store, gateways: 2, idp: new StubOptions { Clock = clock },
            settings: new Dictionary<string, string> { ["revalidation.interval"] = "0s", ["refresh.maxTokenAge"] = "0s" }, clock: clock);
        (string Name, Browser Browser)[] people = [("alice", await world.SignInAsync(new StubUser("alice"))), ("bob", await world.SignInAsync(new StubUser("bob")))];
        var asked = 0;
        for (var round = 0; round < Rounds; round++)
        {
            await Parallel.ForAsync(0, RequestsPerRound, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            {
                var (name, browser) = people[i % 2];
                using var answer = await browser.CallAsync("/x", gateway: i / 2 % 2);

                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                Assert.Equal(name, answer.Headers.GetValues(IdentityHeaders.User).Single());
                Assert.Equal(name, answer.Headers.GetValues(IdentityHeaders.AuthRequestUser).Single());
                Interlocked.Increment(ref asked);
            });
            clock.Advance(TimeSpan.FromMinutes(6));
        }

        Assert.Equal(Rounds * RequestsPerRound, asked);
        Assert.InRange(world.Idp.Log.Grants("refresh_token"), 2 * (Rounds - 1), 2 * 2 * Rounds);
    }

    // An index with one place per person forgot the newer session when the older one ended, and a logout of the person hit nobody.
    [StoreFact]
    public async Task Ending_the_older_of_two_sessions_leaves_the_newer_one_within_reach_of_a_logout()
    {
        await using var store = await TestStore.CreateAsync("olderends");
        await using var world = await World.StartAsync(store);
        var older = await world.SignInAsync(new StubUser("alice"));
        var newer = await world.SignInAsync(new StubUser("alice"));
        var webhook = new Uri(world.Logout.Public, "/backchannel-logout");
        var sid = (await store.QueryAsync("select sid from eventauth.session order by issued_at limit 1")).Single()[0];
        Assert.Equal(200, await world.Idp.SendLogoutTokenAsync(webhook, null, sid, CancellationToken.None));
        await Until.TrueAsync("the older one has ended", async () => (await older.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, (await newer.CallAsync()).StatusCode);

        Assert.Equal(200, await world.Idp.SendLogoutTokenAsync(webhook, "alice", null, CancellationToken.None));

        await Until.TrueAsync("the newer one has ended too", async () => (await newer.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("ffeeddccbbaa99880011223344556677", "ffeeddccbbaa99880011223344556678", "the first 64 bits")]
    [InlineData("00112233445566778899aabbccddeeff", "10112233445566778899aabbccddeeff", "the last 64 bits")]
    [InlineData("00000000000000000000000000000001", "00000000000000010000000000000000", "the same bits in the other half")]
    public void TR5_ids_that_share_half_their_bits_are_two_sessions(string first, string second, string sentence)
    {
        var cache = new SessionCache(100);
        foreach (var (id, sub) in new[] { (first, "alice"), (second, "bob") })
        {
            Assert.True(SessionId.TryParse(id, out var parsed));
            cache.Put(SessionCacheTests.Session(parsed), new CachedIdentity(parsed.Value, new Identity
            {
                SubjectKey = default,
                Issuer = "https://idp.test",
                Sub = sub,
            }));
        }

        foreach (var (id, sub) in new[] { (first, "alice"), (second, "bob") })
        {
            Assert.True(SessionId.TryParse(id, out var parsed));
            Assert.True(cache.TryGet(parsed, out var session, out var identity), sentence);
            Assert.Equal((parsed, sub), (session.SessionId, identity.Identity.Sub));
        }
    }

    [Theory]
    [InlineData("a|b", "c", "a", "b|c")]
    [InlineData("a", "", "", "a")]
    [InlineData("a\0", "b", "a", "\0b")]
    [InlineData("https://idp.test/", "x", "https://idp.test", "/x")]
    [InlineData("a\u0000\u0000\u0000\u0001", "b", "a", "b")]
    public void TR5_parts_of_a_key_cannot_move_their_border(string issuer, string sub, string otherIssuer, string otherSub)
    {
        Assert.NotEqual(new Subject(issuer, sub).Key, new Subject(otherIssuer, otherSub).Key);
        Assert.NotEqual(ProviderSessionKey.Of(issuer, sub), ProviderSessionKey.Of(otherIssuer, otherSub));
        Assert.NotEqual(new Subject(issuer, sub).Key.Value, ProviderSessionKey.Of(issuer, sub).Value);
    }
}
