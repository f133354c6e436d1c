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
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    [StoreFact]
    public async Task Two_processes_never_hold_the_same_session()
    {
        var now = await IssueAsync("disjoint", 40, sameSubject: false);
        var claims = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => new DueSessions(store.Open()).ClaimAsync(now, [], 10, Lease, default)));
        var ids = claims.SelectMany(c => c).Select(d => d.Id).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.NotEmpty(ids);
    }

    [StoreFact]
    public async Task A_subject_with_many_sessions_gets_one_place_and_none_while_it_is_asked_about()
    {
        var now = await IssueAsync("crowd", 30, sameSubject: true);
        var due = new DueSessions(store.Database);
        var crowd = new Subject("https://due.example", "crowd");
        Assert.Single(await due.ClaimAsync(now, [], 50, Lease, default), d => d.Subject == crowd);
        Assert.DoesNotContain(await due.ClaimAsync(now, [crowd.Key], 50, Lease, default), d => d.Subject == crowd);
    }

    [StoreFact]
    public async Task A_lease_ends_by_itself_and_what_was_given_back_keeps_its_time()
    {
        var now = await IssueAsync("lease", 1, sameSubject: true);
        var due = new DueSessions(store.Database);
        var subject = new Subject("https://due.example", "lease");
        var first = Assert.Single(await due.ClaimAsync(now, [], 200, TimeSpan.FromMilliseconds(1), default), d => d.Subject == subject);
        DueSession? second = null;
        await Until.TrueAsync("the lease has ended", async () =>
            (second = (await due.ClaimAsync(now, [], 200, Lease, default)).SingleOrDefault(d => d.Subject == subject)) is not null);

        // The first holder comes late: it must not take the lease from the second.
        await due.CompleteAsync(first, now, null, null, default);
        Assert.DoesNotContain(await due.ClaimAsync(now, [], 200, Lease, default), d => d.Subject == subject);
        await due.CompleteAsync(second!, now.AddMinutes(1), now, null, default);
        Assert.DoesNotContain(await due.ClaimAsync(now, [], 200, Lease, default), d => d.Subject == subject);
        Assert.Contains(await due.ClaimAsync(now.AddMinutes(1), [], 200, Lease, default), d => d.Subject == subject);
    }

    [StoreFact]
    public async Task What_is_revoked_is_never_handed_out()
    {
        var now = await IssueAsync("revoked", 1, sameSubject: true);
        using var outbox = new OutboxSignal();
        using var metrics = new Metrics();
        var subject = new Subject("https://due.example", "revoked");
        await new Revocations(store.Events, store.Index, outbox, new SweepSignal(), metrics, NullLogger<Revocations>.Instance)
            .RevokeSubjectAsync(subject, new RevocationCause(EndReason.EndedByOperator, "operator", null, null, null), default);
        Assert.DoesNotContain(await new DueSessions(store.Database).ClaimAsync(now, [], 200, Lease, default), d => d.Subject == subject);
    }

    [StoreFact]
    public async Task The_figures_tell_how_many_are_due()
    {
        var now = await IssueAsync("figures", 3, sameSubject: false);
        var figures = await new DueSessions(store.Database).FiguresAsync(now, default);
        Assert.True(figures.Due >= 3);
        Assert.NotNull(figures.OldestVerifiedAt);
    }

    private async Task<DateTimeOffset> IssueAsync(string name, int count, bool sameSubject)
    {
        for (var i = 0; i < count; i++)
        {
            await store.IssueAsync(new Subject("https://due.example", sameSubject ? name : $"{name}-{i}"));
        }

        return TimeProvider.System.GetUtcNow();
    }
}
