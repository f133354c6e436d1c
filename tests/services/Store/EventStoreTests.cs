using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;

namespace EventAuth.Services.Tests.Store;

/// <summary>What the record promises, on a real Postgres.</summary>
public sealed class EventStoreTests(LiveStore store) : IClassFixture<LiveStore>
{
    private static readonly Subject Ada = new("https://idp.test", "ada");

    [StoreFact]
    public async Task Fifty_writers_on_one_stream_leave_versions_without_holes_and_the_stream_at_the_last()
    {
        var id = await store.IssueAsync(Ada);

        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => WithRetriesAsync(id, i)));

        var stream = EventStore.StreamOf(id);
        Assert.Equal(51, await store.CountAsync("select count(*) from {events}.mt_events where stream_id = $1", stream));
        Assert.Equal(51, await store.CountAsync("select max(version) from {events}.mt_events where stream_id = $1", stream));
        Assert.Equal(51, await store.CountAsync("select version from {events}.mt_streams where id = $1", stream));
    }

    // A logout in the middle of a conflict storm must come through, whatever the others do.
    [StoreFact]
    public async Task Among_fifty_writers_the_end_is_stored_once_and_nothing_comes_after_it()
    {
        var id = await store.IssueAsync(Ada);

        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => i == 25
            ? WithRetriesAsync(id, new SessionCommand.End(EndReason.SignedOut, Now, null, null))
            : WithRetriesAsync(id, i)));

        var events = await store.StreamAsync(EventStore.StreamOf(id));
        Assert.IsType<SessionEnded>(events[^1].Event);
        Assert.Single(events, e => e.Event is SessionEnded);
    }

    [StoreFact]
    public async Task A_stale_version_is_a_conflict_and_stores_nothing()
    {
        var id = await store.IssueAsync(Ada);
        var stream = await store.Events.LoadAsync(id, default);
        var ended = new SessionEnded(Now, EndReason.SignedOut, null, null);
        var write = new SessionWrite(id, 0, [ended], Session.Evolve(stream.Replay(), ended), new WriteContext());

        await Assert.ThrowsAsync<StreamConflictException>(() => store.Events.AppendAsync(write, default));

        Assert.Single(await store.StreamAsync(EventStore.StreamOf(id)));
        Assert.Equal(0, await store.CountAsync("select count(*) from {own}.revocation where key = $1", id.Value));
    }

    [StoreFact]
    public async Task An_archived_stream_takes_nothing()
    {
        var id = await store.IssueAsync(Ada);
        await store.ExecuteAsync("update {events}.mt_streams set is_archived = true where id = $1", EventStore.StreamOf(id));

        await Assert.ThrowsAnyAsync<Exception>(() => store.Sessions.ExecuteAsync(
            id, new SessionCommand.End(EndReason.SignedOut, Now, null, null), new WriteContext(), default));

        Assert.Single(await store.StreamAsync(EventStore.StreamOf(id)));
    }

    [StoreFact]
    public async Task A_login_that_was_revoked_on_its_way_leaves_no_event_and_no_session()
    {
        var subject = new Subject("https://idp.test", "overtaken");
        var before = await store.HeadAsync();
        await store.Events.RevokeAsync(new RevocationWrite(RevocationKind.Subject, subject.Key.Value, $"subject-{subject.Key}",
            new SubjectRevoked(subject.Issuer, subject.Sub, null, 0, default, EndReason.BackchannelLogout, "test", null, null), null, null), default);

        await Assert.ThrowsAsync<LoginOvertakenException>(() => store.IssueAsync(subject, position: before));

        Assert.Equal(0, await store.CountAsync("select count(*) from {own}.session where sub = 'overtaken'"));
        Assert.Equal(0, await store.CountAsync("select count(*) from {events}.mt_events where data ->> 'sub' = 'overtaken' and type = 'session_issued'"));
    }

    [StoreFact]
    public async Task The_event_of_a_revocation_knows_its_own_position_and_the_feed_points_at_it()
    {
        var subject = new Subject("https://idp.test", "positioned");
        var receipt = await store.Events.RevokeAsync(new RevocationWrite(RevocationKind.Subject, subject.Key.Value, $"subject-{subject.Key}",
            new SubjectRevoked(subject.Issuer, subject.Sub, null, 0, default, EndReason.EndedByOperator, "operator", "stolen laptop", "key"), "c1", null), default);

        var stored = Assert.Single(await store.StreamAsync($"subject-{subject.Key}"));
        var revoked = Assert.IsType<SubjectRevoked>(stored.Event);
        Assert.Equal(receipt.Position, revoked.Position);
        Assert.Equal("c1", stored.CorrelationId);
        Assert.True((Now - revoked.NotBefore).Duration() < TimeSpan.FromMinutes(1));
        Assert.Equal(1, await store.CountAsync(
            "select count(*) from {own}.revocation where position = $1 and event_id = $2", receipt.Position, stored.Id));
    }

    // Two services start on an empty database at the same moment.
    [StoreFact]
    public async Task The_tables_can_be_made_by_many_at_once_and_again()
    {
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => new Schema(store.Open()).ApplyAsync(default)));

        Assert.Equal(1, await store.CountAsync("select count(*) from {own}.store"));
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private Task WithRetriesAsync(SessionId id, int i) =>
        WithRetriesAsync(id, new SessionCommand.UpdateClaims(Now, [$"group-{i}"], null));

    // The service itself gives up after ten lost races; under such a storm a caller comes back.
    private async Task WithRetriesAsync(SessionId id, SessionCommand command)
    {
        while (true)
        {
            try
            {
                await store.Sessions.ExecuteAsync(id, command, new WriteContext(), default);
                return;
            }
            catch (StreamConflictException)
            {
                // Somebody else was faster ten times in a row.
            }
        }
    }
}
