using System.Diagnostics;
using System.Net;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Logout;

/// <summary>What an accepted logout token does: effect, order, replay, outages.</summary>
public sealed class BackchannelLogoutTests(LiveStore store) : IClassFixture<LiveStore>, IAsyncLifetime
{
    private LogoutWorld _world = null!;

    public async Task InitializeAsync() => _world = TestStore.IsConfigured ? await LogoutWorld.StartAsync(store, replicas: 2) : null!;

    public async Task DisposeAsync()
    {
        if (_world is not null)
        {
            await _world.DisposeAsync();
        }
    }

    [StoreFact]
    public async Task A01_a_sid_ends_its_session_and_no_other_of_the_same_person()
    {
        var alice = _world.Person("a01");
        var ended = await store.IssueAsync(alice, "sid-a01-1");
        var other = await store.IssueAsync(alice, "sid-a01-2");
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken(null, "sid-a01-1")));
        Assert.True(await store.IsOverAsync(ended));
        Assert.False(await store.IsOverAsync(other));

        var revoked = Assert.Single(await store.RevocationsOfAsync(alice));
        Assert.Equal((EndReason.BackchannelLogout, "backchannel", "sid-a01-1"), (revoked.Reason, revoked.Source, revoked.Sid));
        Assert.True(revoked.Position > 0 && revoked.NotBefore > DateTimeOffset.UnixEpoch);
    }

    [StoreFact]
    public async Task A02_a_sub_ends_all_of_the_person_with_one_event_and_one_row()
    {
        var alice = _world.Person("a02");
        var sessions = new List<SessionId>();
        for (var i = 0; i < 3; i++)
        {
            sessions.Add(await store.IssueAsync(alice, $"sid-a02-{i}"));
        }

        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken("a02", null)));
        Assert.All(await Task.WhenAll(sessions.Select(store.IsOverAsync)), Assert.True);
        Assert.Single(await store.RevocationsOfAsync(alice));
        Assert.Equal(1, await store.CountAsync("select count(*) from {own}.revocation where key = $1", alice.Key.Value));
    }

    [StoreFact]
    public async Task A03_sub_and_sid_together_end_the_session_of_the_sid()
    {
        var session = await store.IssueAsync(_world.Person("a03"), "sid-a03-1");
        var other = await store.IssueAsync(_world.Person("a03"), "sid-a03-2");
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken("a03", "sid-a03-1")));
        Assert.True(await store.IsOverAsync(session));
        Assert.False(await store.IsOverAsync(other));
    }

    [StoreFact]
    public async Task A03_a_sid_of_somebody_else_than_the_sub_is_refused_without_effect()
    {
        var session = await store.IssueAsync(_world.Person("a03-victim"), "sid-a03-3");
        Assert.Equal(HttpStatusCode.BadRequest, await _world.SendAsync(_world.Idp.LogoutToken("a03-mallory", "sid-a03-3")));
        Assert.False(await store.IsOverAsync(session));
        Assert.Empty(await store.RevocationsOfAsync(_world.Person("a03-mallory")));
    }

    [StoreFact]
    public async Task A04_the_same_sid_of_another_issuer_lives()
    {
        var other = await store.IssueAsync(new Subject("https://other.example", "a04"), "sid-a04");
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken(null, "sid-a04")));
        Assert.False(await store.IsOverAsync(other));
    }

    [StoreFact]
    public async Task A05_a_logout_that_overtakes_its_own_login_wins()
    {
        var before = await store.HeadAsync();
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken(null, "sid-a05")));
        await Assert.ThrowsAsync<LoginOvertakenException>(() => store.IssueAsync(_world.Person("a05"), "sid-a05", position: before));
    }

    [StoreFact]
    public async Task A07_a_login_right_after_the_logout_lives()
    {
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken("a07", null)));
        Assert.False(await store.IsOverAsync(await store.IssueAsync(_world.Person("a07"), "sid-a07")));
    }

    [StoreFact]
    public async Task A08_who_is_not_known_or_out_already_is_logged_out_with_success()
    {
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken("a08-nobody", null)));
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken(null, "sid-a08-unknown")));
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken("a08-nobody", null)));
    }

    [StoreFact]
    public async Task A09_fifty_copies_over_two_replicas_make_one_event()
    {
        var token = _world.Idp.LogoutToken("a09", null);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => _world.SendAsync(token, i % 2)));
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a));
        Assert.Single(await store.RevocationsOfAsync(_world.Person("a09")));
    }

    [StoreFact]
    public async Task A10_A11_a_retransmission_is_200_and_hits_no_later_login()
    {
        var token = _world.Idp.LogoutToken("a10", null);
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(token));
        var later = await store.IssueAsync(_world.Person("a10"));
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(token, replica: 1));
        Assert.False(await store.IsOverAsync(later));
        Assert.Single(await store.RevocationsOfAsync(_world.Person("a10")));
    }

    [StoreFact]
    public async Task A12_the_same_jti_with_another_content_is_refused()
    {
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken("a12", null, c => c["jti"] = "twice")));
        Assert.Equal(HttpStatusCode.BadRequest, await _world.SendAsync(_world.Idp.LogoutToken("a12-other", null, c => c["jti"] = "twice")));
        Assert.Empty(await store.RevocationsOfAsync(_world.Person("a12-other")));
    }

    [StoreFact]
    public async Task A13_without_the_store_a_good_token_is_503_in_time_and_a_bad_one_still_400()
    {
        await using var away = await LogoutWorld.StartAsync(store, postgres: LiveStore.Nowhere(store.Settings));
        var started = Stopwatch.GetTimestamp();
        using var answer = await away.PostAsync(away.Idp.LogoutToken("a13", null));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(3));
        LogoutWorld.AssertHeaders(answer);
        Assert.Equal(HttpStatusCode.BadRequest, await away.SendAsync("a.b.c"));
    }

    [StoreFact]
    public async Task A13_a_store_that_hangs_is_503_in_time()
    {
        // The keys are there already: only the store is slow.
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken("a13-before", null)));

        // Whoever holds the feed's lock holds up every revocation, as a stalled disk would.
        await using var holder = await store.Open().Source.OpenConnectionAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand(store.Database.Sql("select {own}.draw_position()"), holder, transaction))
        {
            await hold.ExecuteScalarAsync();
        }

        var started = Stopwatch.GetTimestamp();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await _world.SendAsync(_world.Idp.LogoutToken("a13-hang", null)));
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(3));
        await transaction.RollbackAsync();
        Assert.Empty(await store.RevocationsOfAsync(_world.Person("a13-hang")));
    }

    [StoreFact]
    public async Task A21_A22_without_the_keys_a_known_key_still_counts_and_an_unknown_one_is_503()
    {
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken("a21", null)));
        _world.Idp.Always(StubEndpoint.Keys, StubAnswer.Empty(500));
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken("a21-again", null)));

        await using var fresh = await LogoutWorld.StartAsync(store);
        fresh.Idp.Always(StubEndpoint.Keys, StubAnswer.Empty(500));
        using var answer = await fresh.PostAsync(fresh.Idp.LogoutToken("a22", null));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        LogoutWorld.AssertHeaders(answer);
    }

    [StoreTheory]
    [InlineData("'; drop table session; --")]
    [InlineData("\ud83d\ude00 \u202e \" \\ %s {0}")]
    public async Task Identifiers_are_data_whatever_they_hold(string sid)
    {
        var session = await store.IssueAsync(_world.Person("p19"), sid);
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken(null, sid)));
        Assert.True(await store.IsOverAsync(session));
    }

    [StoreFact]
    public async Task An_identifier_that_cannot_be_stored_is_refused() =>
        Assert.Equal(HttpStatusCode.BadRequest, await _world.SendAsync(_world.Idp.LogoutToken("a\0b", null)));

    [StoreFact]
    public async Task The_end_of_each_session_is_written_with_its_cause()
    {
        var session = await store.IssueAsync(_world.Person("cause"));
        Assert.Equal(HttpStatusCode.OK, await _world.SendAsync(_world.Idp.LogoutToken("cause", null, c => c["jti"] = "jti-cause")));
        await Until.TrueAsync("the session's own stream says so", async () => await store.SessionAsync(session) is Session.Ended);

        var revoked = Assert.Single(await store.StreamAsync($"subject-{_world.Person("cause").Key}"));
        var end = (await store.StreamAsync($"session-{session}"))[^1];
        Assert.Equal((EndReason.BackchannelLogout, "jti-cause"), (((SessionEnded)end.Event).Reason, ((SessionEnded)end.Event).Cause));
        Assert.Equal(revoked.Id.ToString(), end.CausationId);
        Assert.Equal("jti-cause", revoked.CausationId);
        Assert.StartsWith("logout-token:", end.CorrelationId, StringComparison.Ordinal);
        Assert.Equal(revoked.CorrelationId, end.CorrelationId);
    }
}
