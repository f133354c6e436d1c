using System.Security.Cryptography;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using Npgsql;

namespace EventAuth.Vectors.Worlds;

/// <summary>
/// A database of its own, dropped at the end, whose clock is the vector file's as well: its <c>clock_timestamp</c> and
/// <c>now</c> stand before Postgres' own in the search path.
/// </summary>
internal sealed class VectorStore : IAsyncDisposable
{
    private readonly string _server;
    private readonly string _name = $"vectors_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
    private readonly Database _database;

    private VectorStore(string server)
    {
        _server = server;
        Settings = new PostgresSettings(
            new NpgsqlConnectionStringBuilder(server) { Database = _name, SearchPath = "file_clock,pg_catalog,public" }.ConnectionString,
            "eventauth_events", "eventauth");
        _database = new Database(Settings);
    }

    public PostgresSettings Settings { get; }

    /// <exception cref="NpgsqlException">There is no such server, or it refuses.</exception>
    public static async Task<VectorStore> CreateAsync(string server, DateTimeOffset now)
    {
        var store = new VectorStore(server);
        await ExecuteAsync(server, $"create database {store._name}");
        await ExecuteAsync(store.Settings.ConnectionString, """
            create schema file_clock;
            create table file_clock.moment (now timestamptz not null);
            create function file_clock.clock_timestamp() returns timestamptz language sql stable as 'select now from file_clock.moment';
            create function file_clock.now() returns timestamptz language sql stable as 'select now from file_clock.moment';
            insert into file_clock.moment values (pg_catalog.now());
            """);
        await store.SetClockAsync(now);
        await new Schema(store._database).ApplyAsync(default);
        return store;
    }

    public async Task SetClockAsync(DateTimeOffset now)
    {
        await using var command = _database.Command("update file_clock.moment set now = $1", now);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The place of the newest event.</summary>
    public async Task<long> HeadAsync()
    {
        await using var command = _database.Command("select coalesce(max(seq_id), 0) from {events}.mt_events");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>What was recorded after a place: revocations and beginnings of sessions.</summary>
    public async Task<IReadOnlyList<object>> EventsAfterAsync(long head)
    {
        await using var command = _database.Command(
            "select type, data::text from {events}.mt_events where seq_id > $1 and type = any($2) order by seq_id",
            head, (string[])["subject_revoked", "all_revoked", "token_revoked", "session_issued", "session_ended"]);
        await using var reader = await command.ExecuteReaderAsync();
        var events = new List<object>();
        while (await reader.ReadAsync())
        {
            events.Add(EventNames.FromJson(reader.GetString(0), reader.GetString(1)));
        }

        return events;
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await ExecuteAsync(_server, $"drop database if exists {_name} with (force)");
    }

    private static async Task ExecuteAsync(string server, string sql)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server) { Pooling = false }.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
