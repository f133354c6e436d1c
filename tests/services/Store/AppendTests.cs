using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using Npgsql;

namespace EventAuth.Services.Tests.Store;

/// <summary>Two at once: who comes second waits, and leaves no trace.</summary>
public sealed class AppendTests(LiveStore store) : IClassFixture<LiveStore>
{
    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    // Invariant 2 of events.sql. A number that was drawn and given up holds up every projection of Marten for seconds.
    [StoreFact]
    public async Task An_append_that_loses_a_race_burns_no_sequence_number()
    {
        var id = await store.IssueAsync(new Subject("https://idp.test", "ada"));
        await using var connection = await store.Open().Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var first = new NpgsqlCommand("""
            select eventauth.append($1, 'session', 1, array[gen_random_uuid()], array['session_ended']::varchar[],
              array['x']::varchar[], array['{}'], null, null)
            """, connection, transaction) { Parameters = { new() { Value = EventStore.StreamOf(id) } } })
        {
            await first.ExecuteNonQueryAsync();
        }

        var ended = new SessionEnded(Now, EndReason.SignedOut, null, null);
        var state = Session.Evolve((await store.Events.LoadAsync(id, default)).Replay(), ended);
        var second = store.Events.AppendAsync(new SessionWrite(id, 1, [ended], state, new WriteContext()), default);
        await Until.TrueAsync("the second waits for the first", async () =>
            await store.CountAsync("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") > 0);
        await transaction.CommitAsync();

        await Assert.ThrowsAsync<StreamConflictException>(() => second);
        Assert.Equal(await store.CountAsync("select max(seq_id) from {events}.mt_events"),
            await store.CountAsync("select last_value from {events}.mt_events_sequence"));
    }

    [StoreFact]
    public async Task Rules_that_two_replicas_load_at_once_are_recorded_once()
    {
        var policies = new PolicyLog(store.Database);
        var before = await policies.LastAsync(default);
        var loaded = new PolicyLoaded(Now, "hash", ["everybody"], new Dictionary<string, IReadOnlyList<string>>());

        await policies.RecordAsync(before, loaded, "gateway-1", default);
        await Assert.ThrowsAsync<StreamConflictException>(() => policies.RecordAsync(before, loaded, "gateway-2", default));

        Assert.Equal(new RecordedPolicy(before.Version + 1, "hash"), await policies.LastAsync(default));
    }
}
