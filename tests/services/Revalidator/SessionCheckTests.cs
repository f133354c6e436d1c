using EventAuth.Adapters.Postgres;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Revalidator;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>What each answer of the IdP does to a session.</summary>
public sealed class SessionCheckTests(LiveStore store) : IClassFixture<LiveStore>
{
    public static readonly TheoryData<string, StubAnswer> NoAnswers = new()
    {
        { "500", StubAnswer.Empty(500) },
        { "503 with JSON", StubAnswer.Error("invalid_grant", 503) },
        { "429", StubAnswer.Error("slow_down", 429) },
        { "captive portal", StubAnswer.Text(200, "<html>", "text/html") },
        { "firewall page", StubAnswer.Text(403, "<html>", "text/html") },
        { "401 without body", StubAnswer.Empty(401) },
        { "error in 200", StubAnswer.Error("invalid_grant", 200) },
        { "invalid_request", StubAnswer.Error("invalid_request") },
        { "truncated", StubAnswer.Json(200, new { access_token = "x" }) with { Truncated = true } },
    };

    [StoreFact]
    public async Task A_good_session_costs_one_refresh_and_one_userinfo_and_is_verified()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("verified");
        world.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.IsType<CheckStep.Keep>(await world.CheckAsync(id));

        Assert.Equal((1, 1), (world.Idp.Log.Grants("refresh_token"), world.Idp.Log.Count(StubEndpoint.UserInfo)));
        var row = await world.RowAsync(id);
        Assert.Equal((world.Clock.GetUtcNow(), 2), (row.VerifiedAt, row.TokenVersion));
        var wait = await NextCheckAsync(id) - world.Clock.GetUtcNow();
        Assert.InRange(wait, TimeSpan.FromSeconds(54), TimeSpan.FromSeconds(66));
        Assert.Empty(await world.ClaimAsync());
    }

    [StoreFact]
    public async Task Someone_whom_the_IdP_refuses_is_out_everywhere()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("refused");
        var elsewhere = await world.SignInAsync("refused", nextCheckAt: world.Clock.GetUtcNow().AddHours(1));
        world.Idp.Withdraw("refused");
        await world.CheckAsync(id);

        var revoked = Assert.Single(await store.RevocationsOfAsync(new Subject(world.Idp.Issuer, "refused")));
        Assert.Equal((EndReason.RefusedByProvider, "revalidation", "invalid_grant", "revalidator"),
            (revoked.Reason, revoked.Source, revoked.Cause, revoked.Actor));
        Assert.True(await store.IsOverAsync(id) && await store.IsOverAsync(elsewhere));
    }

    [StoreFact]
    public async Task A_fresh_access_token_that_userinfo_refuses_ends_the_subject()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("userinfo-401");
        world.Idp.Script(StubEndpoint.UserInfo, StubAnswer.Empty(401));
        Assert.Equal(new CheckStep.RevokeSubject(EndReason.RefusedByProvider, "userinfo_401"), await world.CheckAsync(id));
        Assert.True(await store.IsOverAsync(id));
    }

    [StoreFact]
    public async Task Another_person_in_the_answer_ends_the_subject_as_identity_changed()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("identity");
        world.Idp.Script(StubEndpoint.UserInfo, StubAnswer.Json(200, new { sub = "mallory" }));
        await world.CheckAsync(id);
        var revoked = Assert.Single(await store.RevocationsOfAsync(new Subject(world.Idp.Issuer, "identity")));
        Assert.Equal(EndReason.IdentityChanged, revoked.Reason);
    }

    [StoreTheory]
    [MemberData(nameof(NoAnswers))]
    public async Task An_outage_keeps_the_session_and_is_recorded_once(string name, StubAnswer answer)
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync($"outage {name}");
        var verifiedAt = (await world.RowAsync(id)).VerifiedAt;
        world.Idp.Always(StubEndpoint.Token, answer);
        Assert.IsType<CheckStep.Skip>(await world.CheckAsync(id));
        Assert.IsType<CheckStep.Skip>(await world.CheckAgainAsync(id));
        Assert.False(await store.IsOverAsync(id));
        Assert.Single(await EventsAsync<RevalidationSkipped>(id));
        Assert.Equal(verifiedAt, (await world.RowAsync(id)).VerifiedAt);

        world.Idp.Heal(StubEndpoint.Token);
        Assert.IsType<CheckStep.Keep>(await world.CheckAgainAsync(id));
    }

    [StoreFact]
    public async Task An_outage_of_userinfo_alone_keeps_the_session_too()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("userinfo-outage");
        world.Idp.Script(StubEndpoint.UserInfo, StubAnswer.Empty(503));
        Assert.IsType<CheckStep.Skip>(await world.CheckAsync(id));
        Assert.False(await store.IsOverAsync(id));
    }

    [StoreFact]
    public async Task A_check_that_takes_too_long_is_no_answer()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("slow");
        world.Idp.Script(StubEndpoint.UserInfo, StubAnswer.Hang());
        var check = world.CheckAsync(id);
        await Until.TrueAsync("the IdP was asked", () => world.Idp.Log.Count(StubEndpoint.UserInfo) > 0);

        world.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.IsType<CheckStep.Skip>(await check.WaitAsync(TimeSpan.FromSeconds(5)));
        Assert.False(await store.IsOverAsync(id));
    }

    [StoreFact]
    public async Task An_outage_ends_the_session_when_failures_deny()
    {
        await using var world = await RevalidationWorld.StartAsync(store, ("revalidation.onFailure", "deny"));
        var id = await world.SignInAsync("deny");
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Empty(503));
        await world.CheckAsync(id);
        Assert.Equal(EndReason.Unverified, Assert.IsType<Session.Ended>(await store.SessionAsync(id)).Reason);
        Assert.Empty(await store.RevocationsOfAsync(new Subject(world.Idp.Issuer, "deny")));
    }

    [StoreFact]
    public async Task An_outage_longer_than_the_limit_ends_the_session()
    {
        await using var world = await RevalidationWorld.StartAsync(store, ("revalidation.maxUnverifiedAge", "2m"));
        var id = await world.SignInAsync("too-long");
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
        Assert.IsType<CheckStep.Skip>(await world.CheckAgainAsync(id));
        Assert.IsType<CheckStep.EndUnverified>(await world.CheckAgainAsync(id));
        Assert.IsType<Session.Ended>(await store.SessionAsync(id));
    }

    // One bad client secret must not sign ten thousand people out.
    [StoreTheory]
    [InlineData("invalid_client", "deny")]
    [InlineData("unauthorized_client", "deny")]
    [InlineData("unsupported_grant_type", "allow")]
    public async Task An_IdP_that_rejects_us_signs_nobody_out(string error, string onFailure)
    {
        await using var world = await RevalidationWorld.StartAsync(store, ("revalidation.onFailure", onFailure));
        var id = await world.SignInAsync($"config {error}");
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Error(error, 401));
        world.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(new CheckStep.Alarm(error), await world.CheckAsync(id));
        Assert.False(await store.IsOverAsync(id));
        Assert.Equal("misconfigured", world.Health.All[world.Idp.Issuer].State);
    }

    [StoreFact]
    public async Task An_error_that_is_fatal_at_this_IdP_ends_the_subject()
    {
        await using var world = await RevalidationWorld.StartAsync(store, ("providers.0.fatalErrors", "invalid_request"));
        var id = await world.SignInAsync("dex");
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Error("invalid_request"));
        await world.CheckAsync(id);
        Assert.True(await store.IsOverAsync(id));
    }

    [StoreFact]
    public async Task Without_a_refresh_token_userinfo_alone_is_asked()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("no-refresh", refreshable: false);
        Assert.IsType<CheckStep.Keep>(await world.CheckAsync(id));
        Assert.Equal((0, 1), (world.Idp.Log.Count(StubEndpoint.Token), world.Idp.Log.Count(StubEndpoint.UserInfo)));
    }

    [StoreFact]
    public async Task Without_a_refresh_token_a_refused_access_token_ends_that_session_alone()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("no-refresh-401", refreshable: false);
        world.Idp.Script(StubEndpoint.UserInfo, StubAnswer.Empty(401));
        await world.CheckAsync(id);
        Assert.Equal(EndReason.Unverified, Assert.IsType<Session.Ended>(await store.SessionAsync(id)).Reason);
        Assert.Empty(await store.RevocationsOfAsync(new Subject(world.Idp.Issuer, "no-refresh-401")));
    }

    [StoreFact]
    public async Task Without_a_refresh_token_the_end_of_the_access_token_is_the_end()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("no-refresh-expired", refreshable: false);
        world.Clock.Advance(TimeSpan.FromMinutes(5));
        await world.CheckAsync(id);
        Assert.Equal(EndReason.Unverified, Assert.IsType<Session.Ended>(await store.SessionAsync(id)).Reason);
        Assert.Empty(world.Idp.Log.All);
    }

    [StoreFact]
    public async Task Other_groups_are_recorded_and_announced_and_silence_changes_nothing()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("groups", groups: ["staff", "admins"]);
        world.Idp.Change(new StubUser("groups") { Groups = ["staff"] });
        await world.CheckAsync(id);
        Assert.Equal(["staff"], Assert.Single(await EventsAsync<SessionClaimsChanged>(id)).Groups);
        Assert.Equal(1, await store.CountAsync("select count(*) from {own}.revocation where kind = 4 and key = $1", id.Value));

        world.Idp.Change(new StubUser("groups"));
        await world.CheckAgainAsync(id);
        Assert.Single(await EventsAsync<SessionClaimsChanged>(id));
        Assert.Equal(["staff"], (await world.RowAsync(id)).Groups);
    }

    [StoreFact]
    public async Task A_new_email_address_is_kept_where_it_can_be_erased()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("person");
        world.Idp.Change(new StubUser("person", "new@example.test", "New Name"));
        await world.CheckAsync(id);
        var row = await world.RowAsync(id);
        Assert.Equal(("new@example.test", "New Name"), (row.Email, row.Name));
    }

    [StoreFact]
    public async Task Tokens_that_no_key_opens_are_our_mistake_and_nobody_elses()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("sealed", refreshable: false);
        await store.ExecuteAsync("update {own}.session_token set key_id = 'lost' where session_id = $1", id.Value);
        Assert.Equal(new CheckStep.Alarm("token_key_missing"), await world.CheckAsync(id));
        Assert.False(await store.IsOverAsync(id));
    }

    [StoreFact]
    public async Task A_refresh_that_was_lost_with_its_process_ends_one_session_only()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("lost");
        await store.ExecuteAsync(
            "update {own}.session_token set lease_owner = 'dead', lease_until = clock_timestamp() - interval '1 second' where session_id = $1", id.Value);
        world.Idp.Withdraw("lost");
        Assert.IsType<CheckStep.Leave>(await world.CheckAsync(id));
        Assert.Equal(EndReason.RefreshLost, Assert.IsType<Session.Ended>(await store.SessionAsync(id)).Reason);
        Assert.Empty(await store.RevocationsOfAsync(new Subject(world.Idp.Issuer, "lost")));
    }

    [StoreFact]
    public async Task A_long_outage_is_not_asked_about_for_each_session()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
        for (var i = 0; i < 8; i++)
        {
            var id = await SignInDuringOutageAsync(world, $"many-{i}");
            Assert.IsType<CheckStep.Skip>(await world.CheckAsync(id));
        }

        // Five real questions found the outage; within the probe's period the others were not asked.
        Assert.Equal(5, world.Health.All[world.Idp.Issuer].Failures);
        world.Clock.Advance(TimeSpan.FromSeconds(6));
        var probe = await SignInDuringOutageAsync(world, "probe");
        await world.CheckAsync(probe);
        Assert.Equal(6, world.Health.All[world.Idp.Issuer].Failures);
    }

    private static async Task<SessionId> SignInDuringOutageAsync(RevalidationWorld world, string sub)
    {
        world.Idp.Heal(StubEndpoint.Token);
        var id = await world.SignInAsync(sub);
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
        return id;
    }

    private async Task<IReadOnlyList<T>> EventsAsync<T>(SessionId id) =>
        [.. (await store.StreamAsync(EventStore.StreamOf(id))).Select(e => e.Event).OfType<T>()];

    private async Task<DateTimeOffset> NextCheckAsync(SessionId id)
    {
        await using var command = store.Database.Command("select next_check_at from {own}.session where id = $1", id.Value);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return reader.GetFieldValue<DateTimeOffset>(0);
    }
}
