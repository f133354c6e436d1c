using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Services.Tests.Harness;
using Npgsql;

namespace EventAuth.Services.Tests.Store;

/// <summary>A new version comes to a table that is in use and lacks an index.</summary>
public sealed class MissingIndexTests
{
    private const string Valid = "select 1 from pg_index where indexrelid = to_regclass('eventauth.session_due_at') and indisvalid";

    // Within the transaction of the tables, nobody could sign in or out until the index of a million sessions is built.
    [StoreFact]
    public async Task It_is_built_while_sessions_are_written()
    {
        await using var store = await TestStore.CreateAsync("upgrade");
        await using var database = await AppliedAsync(store);
        await store.ExecuteAsync("drop index eventauth.session_due_at");
        await using var source = NpgsqlDataSource.Create(store.ConnectionString);
        await using var writer = await source.OpenConnectionAsync();
        await using var transaction = await writer.BeginTransactionAsync();
        await WriteAsync(writer);

        var applying = new Schema(database).ApplyAsync(default);
        await Until.TrueAsync("it is being built", async () =>
            (await store.QueryAsync("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'create index%'")).Count == 1);
        await using (var another = await source.OpenConnectionAsync())
        {
            await using var limit = new NpgsqlCommand("set lock_timeout = '2s'", another);
            await limit.ExecuteNonQueryAsync();
            await WriteAsync(another);
        }

        Assert.False(applying.IsCompleted);
        await transaction.CommitAsync();
        await applying.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Single(await store.QueryAsync(Valid));
    }

    // The process that built it died, and Postgres keeps what it had.
    [StoreFact]
    public async Task What_was_left_half_built_is_built_anew_by_one_of_many_that_start()
    {
        await using var store = await TestStore.CreateAsync("halfbuilt");
        await using var database = await AppliedAsync(store);
        await store.ExecuteAsync("update pg_index set indisvalid = false where indexrelid = 'eventauth.session_due_at'::regclass");

        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => new Schema(database).ApplyAsync(default)));

        Assert.Single(await store.QueryAsync(Valid));
    }

    private static async Task<Database> AppliedAsync(TestStore store)
    {
        var database = new Database(new PostgresSettings(store.ConnectionString, "eventauth_events", "eventauth"));
        await new Schema(database).ApplyAsync(default);
        return database;
    }

    private static async Task WriteAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("update eventauth.session set refreshable = refreshable", connection);
        await command.ExecuteNonQueryAsync();
    }
}
