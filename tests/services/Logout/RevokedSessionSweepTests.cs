using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Harness;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventAuth.Services.Tests.Logout;

public sealed class RevokedSessionSweepTests(LiveStore store) : IClassFixture<LiveStore>, IDisposable
{
    private const string Issuer = "https://idp.example";
    private readonly Metrics _metrics = new();
    private readonly OutboxSignal _outbox = new();
    private readonly ManualClock _clock = new(TimeProvider.System.GetUtcNow());

    public void Dispose()
    {
        _outbox.Dispose();
        _metrics.Dispose();
    }

    [StoreFact]
    public async Task What_the_feed_killed_ends_and_what_began_later_lives()
    {
        var alice = new Subject(Issuer, "alice");
        var before = await store.IssueAsync(alice);
        await RevokeAsync(alice);
        var after = await store.IssueAsync(alice);
        Assert.Equal(1, await Sweep().RunOnceAsync(default));
        Assert.IsType<Session.Ended>(await store.SessionAsync(before));
        Assert.IsType<Session.Active>(await store.SessionAsync(after));
    }

    [StoreFact]
    public async Task An_end_that_the_feed_told_already_is_not_announced_again()
    {
        var bob = new Subject(Issuer, "bob");
        await store.IssueAsync(bob);
        await RevokeAsync(bob);
        var head = await store.HeadAsync();
        Assert.Equal(1, await Sweep().RunOnceAsync(default));
        Assert.Equal(head, await store.HeadAsync());
    }

    [StoreFact]
    public async Task The_first_revocation_that_hits_is_the_cause()
    {
        var carol = new Subject(Issuer, "carol");
        var session = await store.IssueAsync(carol);
        await RevokeAsync(carol, EndReason.EndedByOperator);
        await RevokeAsync(carol, EndReason.BackchannelLogout);
        await Sweep().RunOnceAsync(default);
        Assert.Equal(EndReason.EndedByOperator, Assert.IsType<Session.Ended>(await store.SessionAsync(session)).Reason);
    }

    [StoreFact]
    public async Task Several_sweeps_at_once_end_each_session_once()
    {
        var dave = new Subject(Issuer, "dave");
        for (var i = 0; i < 450; i++)
        {
            await store.IssueAsync(dave);
        }

        await RevokeAsync(dave);
        var counts = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Sweep().RunOnceAsync(default)));
        Assert.Equal(450, counts.Sum());
        Assert.Equal(450, await store.CountAsync(
            "select count(*) from {events}.mt_events e join {own}.session s on e.stream_id = 'session-' || replace(s.id::text, '-', '') where e.type = 'session_ended' and s.sub = 'dave'"));
    }

    [StoreFact]
    public async Task A_login_that_became_visible_after_the_sweep_had_passed_is_found()
    {
        var erin = new Subject(Issuer, "erin");
        await RevokeAsync(erin);
        var sweep = Sweep();
        await sweep.RunOnceAsync(default);

        // A login that had checked the feed before that revocation and committed after: it has an older position.
        var session = await store.IssueAsync(erin);
        await store.ExecuteAsync("update {own}.session set position = 0 where id = $1", session.Value);
        Assert.Equal(1, await sweep.RunOnceAsync(default));
    }

    [StoreFact]
    public async Task A_session_past_its_absolute_end_has_expired()
    {
        var session = await store.IssueAsync(new Subject(Issuer, "frank"), lifetime: TimeSpan.FromHours(1), now: _clock.GetUtcNow());
        await Sweep().RunOnceAsync(default);
        Assert.IsType<Session.Active>(await store.SessionAsync(session));
        _clock.Advance(TimeSpan.FromHours(1));
        await Sweep().RunOnceAsync(default);
        Assert.Equal(EndReason.Expired, Assert.IsType<Session.Ended>(await store.SessionAsync(session)).Reason);
    }

    [StoreFact]
    public async Task An_unused_session_ends_as_idle_and_a_used_one_stays()
    {
        var unused = await store.IssueAsync(new Subject(Issuer, "grace"), now: _clock.GetUtcNow());
        var used = await store.IssueAsync(new Subject(Issuer, "grace"), now: _clock.GetUtcNow());
        _clock.Advance(TimeSpan.FromMinutes(32));
        await store.ExecuteAsync("insert into {own}.activity (session_id, seen_at) values ($1, $2)", used.Value, _clock.GetUtcNow());
        await Sweep(idle: TimeSpan.FromMinutes(30)).RunOnceAsync(default);
        Assert.Equal(EndReason.Idle, Assert.IsType<Session.Ended>(await store.SessionAsync(unused)).Reason);
        Assert.IsType<Session.Active>(await store.SessionAsync(used));
    }

    [StoreFact]
    public async Task Old_rows_are_forgotten_and_young_ones_kept()
    {
        var now = _clock.GetUtcNow();
        foreach (var (key, at) in new[] { (Guid.CreateVersion7(), now.AddHours(-1)), (Guid.CreateVersion7(), now.AddMinutes(1)) })
        {
            await store.ExecuteAsync(
                "insert into {own}.login_attempt (state_hash, binding_hash, key_id, sealed, position, expires_at) values ($1, $1, 'k', ''::bytea, 0, $2)", key, at);
            await store.ExecuteAsync("insert into {own}.logout_token (key, token_hash, position, expires_at) values ($1, ''::bytea, 0, $2)", key, at);
        }

        var ended = await store.IssueAsync(new Subject(Issuer, "heidi"));
        await store.ExecuteAsync("insert into {own}.activity (session_id, seen_at) values ($1, $2)", ended.Value, now);
        await store.ExecuteAsync("update {own}.session set ended_at = $2 where id = $1", ended.Value, now.AddDays(-2));
        await Sweep().RunOnceAsync(default);
        Assert.Equal(1, await store.CountAsync("select count(*) from {own}.login_attempt"));
        Assert.Equal(1, await store.CountAsync("select count(*) from {own}.logout_token"));
        Assert.Equal(0, await store.CountAsync("select count(*) from {own}.activity where session_id = $1", ended.Value));
    }

    // More than one batch, so that what is left behind by an outage or a flood is gone after one round.
    [StoreFact]
    public async Task A_backlog_of_any_length_is_gone_after_one_round()
    {
        await store.ExecuteAsync("""
            insert into {own}.login_attempt (state_hash, binding_hash, key_id, sealed, position, expires_at)
            select gen_random_uuid(), gen_random_uuid(), 'k', ''::bytea, 0, $1 from generate_series(1, 4500)
            """, _clock.GetUtcNow().AddHours(-1));
        await Sweep().RunOnceAsync(default);
        Assert.Equal(0, await store.CountAsync("select count(*) from {own}.login_attempt where expires_at < $1", _clock.GetUtcNow()));
    }

    [StoreFact]
    public async Task Revocations_that_can_hit_nothing_are_deleted_but_not_where_a_replica_may_stand()
    {
        var feed = new RevocationFeed(store.Database);
        await RevokeAsync(new Subject(Issuer, "ivan"));
        await RevokeAsync(new Subject(Issuer, "ivan"));
        var head = await store.HeadAsync();
        await store.ExecuteAsync("update {own}.revocation set committed_at = clock_timestamp() - interval '49 hours'");
        await Sweep().RunOnceAsync(default);
        Assert.Equal(1, await store.CountAsync("select count(*) from {own}.revocation"));
        Assert.Equal(head, await store.HeadAsync());
        await RevokeAsync(new Subject(Issuer, "ivan"));

        // A replica that has not read the new row yet finds its own place again, or it would believe in a restored backup.
        await Sweep().RunOnceAsync(default);
        Assert.Equal(head, await store.CountAsync("select min(position) from {own}.revocation"));
        await store.ExecuteAsync("update {own}.revocation set committed_at = clock_timestamp() - interval '49 hours'");
        await Sweep().RunOnceAsync(default);
        Assert.Equal(head + 1, await store.CountAsync("select min(position) from {own}.revocation"));
    }

    [StoreFact]
    public async Task Sessions_long_ended_and_replicas_long_gone_are_deleted_and_their_events_stay()
    {
        var (old, young) = (await store.IssueAsync(new Subject(Issuer, "judy")), await store.IssueAsync(new Subject(Issuer, "judy")));
        await store.ExecuteAsync("update {own}.session set ended_at = $2 where id = $1", old.Value, _clock.GetUtcNow().AddDays(-31));
        await store.ExecuteAsync("update {own}.session set ended_at = $2 where id = $1", young.Value, _clock.GetUtcNow().AddDays(-29));
        var feed = new RevocationFeed(store.Database);
        await feed.ReportAsync("gone", 0, TimeSpan.FromMinutes(1), default);
        await store.ExecuteAsync("update {own}.replica set seen_at = clock_timestamp() - interval '25 hours'");
        await feed.ReportAsync("here", 0, TimeSpan.FromMinutes(1), default);
        await Sweep().RunOnceAsync(default);
        Assert.Equal(0, await store.CountAsync("select count(*) from {own}.session where id = $1", old.Value));
        Assert.Equal(1, await store.CountAsync("select count(*) from {own}.session where id = $1", young.Value));
        Assert.Single(await store.StreamAsync(EventStore.StreamOf(old)));
        Assert.Equal(1, await store.CountAsync("select count(*) from {own}.replica"));
    }

    // A backup is restored under a service that runs: what is revoked then has positions that the sweep had passed already.
    [StoreFact]
    public async Task After_the_feed_went_back_the_sweep_begins_anew()
    {
        for (var i = 0; i < 5; i++)
        {
            await RevokeAsync(new Subject(Issuer, "lena"));
        }

        await store.ExecuteAsync("update {own}.revocation set committed_at = clock_timestamp() - interval '1 minute'");
        var sweep = Sweep();
        await sweep.RunOnceAsync(default);
        var head = await store.HeadAsync();
        await store.ExecuteAsync("delete from {own}.revocation where position > $1", head - 4);
        await store.ExecuteAsync("select setval('{own}.revocation_position', $1)", head - 4);

        var session = await store.IssueAsync(new Subject(Issuer, "lena"));
        await RevokeAsync(new Subject(Issuer, "lena"));
        Assert.Equal(1, await sweep.RunOnceAsync(default));
        Assert.IsType<Session.Ended>(await store.SessionAsync(session));
    }

    // Without a broker nobody else marks them, and a broker that is added later would get them all.
    [StoreFact]
    public async Task Rows_too_old_to_be_published_leave_the_outbox()
    {
        var outbox = new Outbox(store.Database);
        await RevokeAsync(new Subject(Issuer, "kim"));
        await store.ExecuteAsync("update {own}.revocation set committed_at = clock_timestamp() - interval '11 minutes'");
        await RevokeAsync(new Subject(Issuer, "kim"));
        await Sweep().RunOnceAsync(default);
        Assert.Equal(1, await outbox.BacklogAsync(default));
    }

    private async Task RevokeAsync(Subject subject, EndReason reason = EndReason.BackchannelLogout)
    {
        var revocations = new Revocations(
            store.Events, store.Index, _outbox, new SweepSignal(), _metrics, NullLogger<Revocations>.Instance);
        await revocations.RevokeSubjectAsync(subject, new RevocationCause(reason, "operator", "test", "tester", "correlation"), default);
    }

    private RevokedSessionSweep Sweep(TimeSpan idle = default) => new(
        new Sweeps(store.Database), store.Sessions, Settings(idle), _outbox, new SweepSignal(), _metrics, _clock,
        new Schema(store.Database), NullLogger<RevokedSessionSweep>.Instance);

    private EventAuthSettings Settings(TimeSpan idle) => new()
    {
        PublicUrl = new Uri("http://localhost"),
        Instance = "test",
        Listen = new ListenSettings("", "", null, null, false),
        TrustedProxies = [],
        Postgres = store.Settings,
        RabbitMq = new RabbitMqSettings((Uri?)null),
        Providers = [],
        Session = new SessionSettings(TimeSpan.FromHours(24), idle, "c", null),
        Refresh = new RefreshSettings(default, default, default, default),
        Revalidation = new RevalidationSettings(default, default, OnFailure.Allow, 1, 1, default),
        Revocation = new RevocationSettings(default, default),
        TokenKeys = [],
        Policy = AccessPolicy.Nobody,
        Log = new LogSettings("error", "text"),
    };
}
