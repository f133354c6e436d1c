using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using Npgsql;

namespace EventAuth.Services.Tests.Store;

/// <summary>"After the last position" must miss nothing: a sequence alone would, because numbers are drawn before commits.</summary>
public sealed class RevocationFeedTests(LiveStore store) : IClassFixture<LiveStore>
{
    private static readonly TimeSpan Horizon = TimeSpan.FromHours(25);
    private RevocationFeed Feed => new(store.Database);

    [StoreFact]
    public async Task A_reader_beside_many_writers_sees_every_position_once_and_in_order()
    {
        var last = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var reader = ReadUntilAsync(await store.HeadAsync(), last.Task);

        var receipts = await Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            var mine = new List<long>();
            for (var i = 0; i < 25; i++)
            {
                mine.Add((await RevokeAsync($"{writer}-{i}")).Position);
            }

            return mine;
        }));
        var written = receipts.SelectMany(p => p).Order().ToList();
        last.SetResult(written[^1]);

        Assert.Equal(written, await reader.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    // Somebody's psql holds a transaction open that has appended events: no revocation may wait for it.
    [StoreFact]
    public async Task A_transaction_that_is_left_open_does_not_hold_revocations_up()
    {
        await using var idle = await store.Open().Source.OpenConnectionAsync();
        await using var transaction = await idle.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand(
            "insert into eventauth_events.mt_streams (id, version) values ('idle', 0); select nextval('eventauth_events.mt_events_sequence')", idle, transaction))
        {
            await insert.ExecuteNonQueryAsync();
        }

        var receipt = await RevokeAsync("beside-idle");

        var page = await Feed.ReadAsync("test", receipt.Position - 1, Horizon, default);
        Assert.Contains(page.Rows, r => r.Position == receipt.Position);
    }

    // A revocation that is rolled back leaves a hole; what comes after must not wait for it or be skipped.
    [StoreFact]
    public async Task A_position_that_was_drawn_and_given_up_leaves_a_harmless_hole()
    {
        await using (var connection = await store.Open().Source.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var draw = new NpgsqlCommand("select eventauth.draw_position()", connection, transaction);
            await draw.ExecuteNonQueryAsync();
            await transaction.RollbackAsync();
        }

        var before = await store.HeadAsync();
        var receipt = await RevokeAsync("after-hole");

        Assert.Equal([receipt.Position], (await Feed.ReadAsync("test", before, Horizon, default)).Rows.Select(r => r.Position));
    }

    [StoreFact]
    public async Task A_claimed_row_is_published_by_one_and_taken_over_when_the_claim_has_run_out()
    {
        var outbox = new Outbox(store.Database);
        await outbox.MarkAsync([.. (await outbox.ClaimAsync(1000, TimeSpan.FromMinutes(1), default)).Select(r => r.Position)], default);
        var receipt = await RevokeAsync("claimed");

        Assert.Single(await outbox.ClaimAsync(10, TimeSpan.Zero, default), r => r.Position == receipt.Position);
        var claimed = await outbox.ClaimAsync(10, TimeSpan.FromMinutes(1), default);
        Assert.Single(claimed, r => r.Position == receipt.Position);
        Assert.Empty(await outbox.ClaimAsync(10, TimeSpan.FromMinutes(1), default));
        await outbox.ReleaseAsync(claimed, default);
        Assert.Single(await outbox.ClaimAsync(10, TimeSpan.FromMinutes(1), default), r => r.Position == receipt.Position);
    }

    [StoreFact]
    public async Task A_replica_that_starts_looks_at_nothing_older_than_the_horizon()
    {
        var old = await RevokeAsync("before the horizon");
        var young = await RevokeAsync("behind the horizon");
        await store.ExecuteAsync("update {own}.revocation set committed_at = clock_timestamp() - interval '26 hours' where position <= $1", old.Position);

        var page = await Feed.ReadAsync("new", 0, Horizon, default);

        Assert.Equal((young.Position, young.Position), (page.Head, page.Rows[0].Position));
    }

    // Until the last position is seen: the test ends it by its deadline when that never comes.
    private async Task<List<long>> ReadUntilAsync(long after, Task<long> last)
    {
        var seen = new List<long>();
        while (!last.IsCompleted || after < await last)
        {
            foreach (var row in (await Feed.ReadAsync("reader", after, Horizon, default)).Rows)
            {
                seen.Add(row.Position);
                after = row.Position;
            }
        }

        return seen;
    }

    private Task<RevocationReceipt> RevokeAsync(string sub)
    {
        var subject = new Subject("https://idp.test", sub);
        return store.Events.RevokeAsync(new RevocationWrite(RevocationKind.Subject, subject.Key.Value, $"subject-{subject.Key}",
            new SubjectRevoked(subject.Issuer, sub, null, 0, default, EndReason.BackchannelLogout, "test", null, null), null, null), default);
    }
}
