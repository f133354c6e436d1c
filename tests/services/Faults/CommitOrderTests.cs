using System.Collections.Concurrent;
using EventAuth.Adapters.Postgres;
using EventAuth.Guarantee;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using Npgsql;

namespace EventAuth.Services.Tests.Faults;

/// <summary>
/// Numbers are drawn before commits. A reader that goes on after the highest number it has seen would miss whoever drew a lower
/// one and commits later; that the feed's lock prevents it is shown on two hundred interleavings.
/// </summary>
public sealed class CommitOrderTests(LiveStore store) : IClassFixture<LiveStore>
{
    private const int Writers = 4;

    // F09, F10: late commits, rollbacks that leave holes, and transactions whose id is older or younger than their number says.
    [StoreTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task However_commits_interleave_a_reader_misses_no_revocation_and_sees_none_twice(int seed)
    {
        var chance = new Dice((ulong)seed);
        var committed = new ConcurrentBag<long>();
        using var done = new CancellationTokenSource();
        var reader = ReadAsync(await store.HeadAsync(), done.Token);

        for (var round = 0; round < LongRun.Times(100, 1000); round++)
        {
            var plans = Enumerable.Range(0, Writers).Select(_ => Plan.Of(chance)).ToArray();
            await Task.WhenAll(plans.Select(p => WriteAsync(p, committed)));
        }

        var last = committed.Max();
        await Until.TrueAsync("the reader has come to the end", () => Volatile.Read(ref _readUpTo) >= last);
        await done.CancelAsync();
        Assert.Equal(committed.Order(), await reader);
    }

    private long _readUpTo;

    private async Task WriteAsync(Plan plan, ConcurrentBag<long> committed)
    {
        await using var connection = await store.Database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        if (plan.TakesItsIdFirst)
        {
            await ScalarAsync(connection, "select txid_current()");
            await Task.Delay(plan.BeforeDrawing);
        }

        var position = await ScalarAsync(connection, store.Database.Sql("select {own}.draw_position()"));
        await Task.Delay(plan.BeforeWriting);
        await ScalarAsync(connection, store.Database.Sql($$"""
            insert into {own}.revocation (position, kind, key, stream_id, event_id, committed_at)
            values ({{position}}, 1, gen_random_uuid(), 'interleaved', gen_random_uuid(), clock_timestamp()) returning position
            """));
        await Task.Delay(plan.BeforeTheEnd);
        if (plan.GivesUp)
        {
            await transaction.RollbackAsync();
            return;
        }

        await transaction.CommitAsync();
        committed.Add(position);
    }

    private async Task<List<long>> ReadAsync(long after, CancellationToken done)
    {
        var feed = new RevocationFeed(store.Database);
        var seen = new List<long>();
        while (!done.IsCancellationRequested)
        {
            foreach (var row in (await feed.ReadAsync("interleaved", after, TimeSpan.FromHours(25), CancellationToken.None)).Rows)
            {
                seen.Add(after = row.Position);
            }

            Volatile.Write(ref _readUpTo, after);
        }

        return seen;
    }

    private static async Task<long> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private sealed record Plan(bool TakesItsIdFirst, int BeforeDrawing, int BeforeWriting, int BeforeTheEnd, bool GivesUp)
    {
        public static Plan Of(Dice chance) =>
            new(chance.Below(2) == 0, chance.Below(6), chance.Below(4), chance.Below(3) == 0 ? chance.Below(12) : 0, chance.Below(5) == 0);
    }
}
