using System.Net;
using EventAuth.Adapters.Postgres;
using EventAuth.Contracts;
using EventAuth.Revalidator;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>Sessions that nobody uses are asked about less often, and at once when they are used again.</summary>
public sealed class RestingSessionTests(LiveStore store) : IClassFixture<LiveStore>
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(60);

    [StoreFact]
    public async Task A_session_without_a_request_since_its_last_check_rests()
    {
        await using var world = await StartAsync();
        var id = await world.SignInAsync("rests");
        world.Clock.Advance(TimeSpan.FromSeconds(10));
        await world.CheckAsync(id);
        Assert.Equal((false, true), await RowAsync(world, id, TimeSpan.FromSeconds(66)));
        await world.CheckAgainAsync(id);
        Assert.Equal((true, false), await RowAsync(world, id, TimeSpan.FromSeconds(539)));
        Assert.Equal((true, true), await RowAsync(world, id, TimeSpan.FromSeconds(661)));
    }

    [StoreFact]
    public async Task A_session_in_use_does_not()
    {
        await using var world = await StartAsync();
        var id = await world.SignInAsync("busy");
        await world.CheckAsync(id);
        world.Clock.Advance(TimeSpan.FromSeconds(30));
        await UseAsync(world, id);
        await world.CheckAgainAsync(id);
        Assert.Equal((false, true), await RowAsync(world, id, TimeSpan.FromSeconds(66)));
    }

    [StoreFact]
    public async Task Used_again_it_is_due_at_once_when_the_last_word_is_older_than_the_interval_and_else_when_that_has_passed()
    {
        await using var world = await StartAsync();
        var id = await RestAsync(world, "woken");
        world.Clock.Advance(TimeSpan.FromSeconds(20));
        await UseAsync(world, id);
        Assert.Equal((false, false), await RowAsync(world, id, TimeSpan.FromSeconds(39)));
        Assert.Equal((false, true), await RowAsync(world, id, TimeSpan.FromSeconds(40)));

        var late = await RestAsync(world, "woken-late");
        world.Clock.Advance(TimeSpan.FromSeconds(200));
        await UseAsync(world, late);
        Assert.Equal((false, true), await RowAsync(world, late, TimeSpan.Zero));
    }

    [StoreFact]
    public async Task An_outage_is_counted_from_the_first_question_without_an_answer_and_not_from_before_the_rest()
    {
        await using var world = await StartAsync(("revalidation.maxUnverifiedAge", "5m"));
        var id = await RestAsync(world, "rest-and-outage");
        world.Clock.Advance(TimeSpan.FromSeconds(661));
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
        Assert.IsType<CheckStep.Skip>(await world.CheckAsync(id));
        Assert.Equal((false, true), await RowAsync(world, id, TimeSpan.FromSeconds(66)));
        for (var i = 0; i < 3; i++)
        {
            Assert.IsType<CheckStep.Skip>(await world.CheckAgainAsync(id));
        }

        Assert.IsType<CheckStep.EndUnverified>(await world.CheckAgainAsync(id));
    }

    [StoreFact]
    public async Task A_question_that_a_gateway_got_no_answer_to_counts_too()
    {
        await using var world = await StartAsync(("revalidation.maxUnverifiedAge", "5m"));
        var id = await RestAsync(world, "asked-by-a-gateway");
        world.Clock.Advance(TimeSpan.FromSeconds(661));
        var first = world.Clock.GetUtcNow();
        Assert.Equal(first, await store.Index.NoteUnansweredAsync(id, first, default));
        Assert.Equal(first, await store.Index.NoteUnansweredAsync(id, first.AddMinutes(1), default));
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
        world.Clock.Advance(TimeSpan.FromMinutes(4) - TimeSpan.FromSeconds(1));
        Assert.IsType<CheckStep.Skip>(await world.CheckAsync(id));
        Assert.IsType<CheckStep.EndUnverified>(await world.CheckAgainAsync(id));
    }

    // A confirmed check of a session without refresh token has no event: only the time of the last word tells two outages apart.
    [StoreFact]
    public async Task Each_outage_is_recorded_once_also_without_a_refresh_token()
    {
        await using var world = await StartAsync(("revalidation.idleInterval", "0s"));
        var id = await world.SignInAsync("twice away", refreshable: false);
        for (var outage = 1; outage <= 2; outage++)
        {
            world.Idp.Always(StubEndpoint.UserInfo, StubAnswer.Empty(503));
            Assert.IsType<CheckStep.Skip>(await world.CheckAgainAsync(id));
            world.Idp.Heal(StubEndpoint.UserInfo);
            Assert.IsType<CheckStep.Keep>(await world.CheckAgainAsync(id));
            Assert.Equal(outage, (await store.StreamAsync(EventStore.StreamOf(id))).Count(e => e.Event is RevalidationSkipped));
        }
    }

    // The person was removed while the session rested: the first request is answered without waiting, the next ones are not.
    [StoreFact]
    public async Task Whoever_was_removed_meanwhile_is_out_soon_after_the_first_request()
    {
        await using var live = await TestStore.CreateAsync("wakes");
        await using var world = await World.StartAsync(live, gateways: 2, revalidator: true);
        var browser = await world.SignInAsync(new StubUser("gone"));
        await live.ExecuteAsync("""
            update eventauth.session set resting = true, verified_at = now() - interval '9 minutes', next_check_at = now() + interval '1 minute';
            update eventauth.activity set seen_at = now() - interval '1 hour'
            """);
        world.Idp.Withdraw("gone");
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync("/", gateway: 1)).StatusCode);
        await Until.TrueAsync("nobody comes in at either gateway", async () =>
            (await browser.CallAsync("/", gateway: 1)).StatusCode == HttpStatusCode.Unauthorized
            && (await browser.CallAsync("/", gateway: 0)).StatusCode == HttpStatusCode.Unauthorized, TimeSpan.FromSeconds(6));
    }

    private Task<RevalidationWorld> StartAsync(params (string, string)[] settings) =>
        RevalidationWorld.StartAsync(store, [("revalidation.idleInterval", "10m"), .. settings]);

    private static async Task<SessionId> RestAsync(RevalidationWorld world, string sub)
    {
        var id = await world.SignInAsync(sub);
        world.Clock.Advance(TimeSpan.FromSeconds(10));
        await world.CheckAsync(id);
        await world.CheckAgainAsync(id);
        return id;
    }

    private Task UseAsync(RevalidationWorld world, SessionId id)
    {
        var now = world.Clock.GetUtcNow();
        return new Activity(store.Database).WriteAsync([(id, now)], now, Interval, default);
    }

    private async Task<(bool Resting, bool Due)> RowAsync(RevalidationWorld world, SessionId id, TimeSpan after)
    {
        var at = world.Clock.GetUtcNow() + after;
        return (await store.CountAsync("select count(*) from {own}.session where id = $1 and resting", id.Value) == 1,
            await store.CountAsync("select count(*) from {own}.session where id = $1 and next_check_at <= $2", id.Value, at) == 1);
    }
}
