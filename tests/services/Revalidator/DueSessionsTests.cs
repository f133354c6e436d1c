using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventAuth.Services.Tests.Revalidator;

public sealed class DueSessionsTests(LiveStore store) : IClassFixture<LiveStore>
{
    private const string Issuer = "https://due.example";
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    [StoreFact]
    public async Task Two_processes_never_hold_the_same_session()
    {
        var now = await IssueAsync("disjoint", 40, sameSubject: false);
        var claims = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ClaimAsync(now, [], 10, on: new DueSessions(store.Open()))));
        var ids = claims.SelectMany(c => c).Select(d => d.Id).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.NotEmpty(ids);
    }

    [StoreFact]
    public async Task A_subject_with_many_sessions_gets_one_place_and_none_while_it_is_asked_about()
    {
        var now = await IssueAsync("crowd", 30, sameSubject: true);
        var crowd = new Subject(Issuer, "crowd");
        Assert.Single(await ClaimAsync(now, [], 50), d => d.Subject == crowd);
        Assert.DoesNotContain(await ClaimAsync(now, [crowd.Key], 50), d => d.Subject == crowd);
    }

    [StoreFact]
    public async Task A_lease_ends_by_itself_and_what_was_given_back_keeps_its_time()
    {
        var now = await IssueAsync("lease", 1, sameSubject: true);
        var due = new DueSessions(store.Database);
        var subject = new Subject(Issuer, "lease");
        var first = Assert.Single(await ClaimAsync(now, [], 200, TimeSpan.FromMilliseconds(1)), d => d.Subject == subject);
        DueSession? second = null;
        await Until.TrueAsync("the lease has ended", async () =>
            (second = (await ClaimAsync(now, [], 200)).SingleOrDefault(d => d.Subject == subject)) is not null);

        // The first holder comes late: it must not take the lease from the second.
        await due.CompleteAsync(first, new CheckRecord(now, now, null, null, null), default);
        Assert.DoesNotContain(await ClaimAsync(now, [], 200), d => d.Subject == subject);
        await due.CompleteAsync(second!, new CheckRecord(now, now.AddMinutes(1), null, true, null), default);
        Assert.DoesNotContain(await ClaimAsync(now, [], 200), d => d.Subject == subject);
        Assert.Contains(await ClaimAsync(now.AddMinutes(1), [], 200), d => d.Subject == subject);
    }

    [StoreFact]
    public async Task What_is_revoked_is_never_handed_out()
    {
        var now = await IssueAsync("revoked", 1, sameSubject: true);
        using var outbox = new OutboxSignal();
        using var metrics = new Metrics();
        var subject = new Subject(Issuer, "revoked");
        await new Revocations(store.Events, store.Index, outbox, new SweepSignal(), metrics, NullLogger<Revocations>.Instance)
            .RevokeSubjectAsync(subject, new RevocationCause(EndReason.EndedByOperator, "operator", null, null, null), default);
        Assert.DoesNotContain(await ClaimAsync(now, [], 200), d => d.Subject == subject);
    }

    [StoreFact]
    public async Task The_figures_tell_how_many_are_due()
    {
        var now = await IssueAsync("figures", 3, sameSubject: false);
        await store.IssueAsync(new Subject("https://another.example", "figures"));
        var figures = (await new DueOverview(store.Database).ReadAsync(now.AddMinutes(1), default)).ToDictionary(f => f.Issuer);
        Assert.True(figures[Issuer].Due >= 3);
        Assert.Equal(1, figures["https://another.example"].Due);
        Assert.NotNull(figures[Issuer].OldestVerifiedAt);
    }

    private async Task<IReadOnlyList<DueSession>> ClaimAsync(
        DateTimeOffset now, IReadOnlyCollection<SubjectKey> busy, int limit, TimeSpan? lease = null, DueSessions? on = null) =>
        (await (on ?? new DueSessions(store.Database)).ClaimAsync(new DueQuery(Issuer, now, busy, limit, lease ?? Lease, 0), default)).Sessions;

    private async Task<DateTimeOffset> IssueAsync(string name, int count, bool sameSubject)
    {
        for (var i = 0; i < count; i++)
        {
            await store.IssueAsync(new Subject(Issuer, sameSubject ? name : $"{name}-{i}"));
        }

        return TimeProvider.System.GetUtcNow();
    }
}
