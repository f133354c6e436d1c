using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Harness;
using Npgsql;

namespace EventAuth.Services.Tests.Logout;

/// <summary>An event as it is stored.</summary>
public sealed record StoredEvent(Guid Id, object Event, string? CorrelationId, string? CausationId);

/// <summary>A database for one test class (<c>IClassFixture</c>) with our tables in it, and what tests look for there.</summary>
public sealed class LiveStore : IAsyncLifetime
{
    private readonly List<Database> _opened = [];
    private TestStore? _server;

    public PostgresSettings Settings { get; private set; } = null!;

    public Database Database { get; private set; } = null!;

    public EventStore Events { get; private set; } = null!;

    public SessionService Sessions { get; private set; } = null!;

    public SessionIndex Index { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (!TestStore.IsConfigured)
        {
            return;
        }

        _server = await TestStore.CreateAsync("live");
        Settings = new PostgresSettings(_server.ConnectionString, "eventauth_events", "eventauth");
        Database = Open();
        await new Schema(Database).ApplyAsync(default);
        Events = new EventStore(Database);
        Sessions = new SessionService(Events);
        Index = new SessionIndex(Database);
    }

    public async Task DisposeAsync()
    {
        foreach (var database in _opened)
        {
            await database.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>Another pool, as another process has one.</summary>
    public Database Open()
    {
        var database = new Database(Settings);
        _opened.Add(database);
        return database;
    }

    /// <summary>A session that began now.</summary>
    /// <param name="position">Feed position at which its login began; the feed's head by default.</param>
    public async Task<SessionId> IssueAsync(
        Subject subject, string? sid = null, long? position = null, DateTimeOffset? now = null, TimeSpan? lifetime = null)
    {
        var id = NewId();
        var at = now ?? TimeProvider.System.GetUtcNow();
        await Sessions.ExecuteAsync(id, new SessionCommand.Issue(
            subject, sid, "eventauth", ["staff"], [], position ?? await HeadAsync(), at,
            lifetime ?? TimeSpan.FromHours(24), at + TimeSpan.FromMinutes(5), Refreshable: false), new WriteContext(), default);
        return id;
    }

    /// <summary>Highest position of the feed.</summary>
    public Task<long> HeadAsync() => CountAsync("select coalesce(max(position), 0) from {own}.revocation");

    /// <summary>The stored events of a stream.</summary>
    public async Task<IReadOnlyList<StoredEvent>> StreamAsync(string stream)
    {
        await using var command = Database.Command(
            "select id, type, data::text, correlation_id, causation_id from {events}.mt_events where stream_id = $1 order by version", stream);
        await using var reader = await command.ExecuteReaderAsync();
        var events = new List<StoredEvent>();
        while (await reader.ReadAsync())
        {
            events.Add(new StoredEvent(reader.GetGuid(0), EventNames.FromJson(reader.GetString(1), reader.GetString(2)),
                reader.IsDBNull(3) ? null : reader.GetString(3), reader.IsDBNull(4) ? null : reader.GetString(4)));
        }

        return events;
    }

    /// <summary>The revocations of a subject.</summary>
    public async Task<IReadOnlyList<SubjectRevoked>> RevocationsOfAsync(Subject subject) =>
        [.. (await StreamAsync($"subject-{subject.Key}")).Select(e => e.Event).OfType<SubjectRevoked>()];

    /// <summary>How a session stands by its own stream.</summary>
    public async Task<Session> SessionAsync(SessionId id) => (await Events.LoadAsync(id, default)).Replay();

    /// <summary>Whether nobody may come in with it: ended, or hit by the feed.</summary>
    public async Task<bool> IsOverAsync(SessionId id) => (await Index.FindAsync(id, default))!.IsOver;

    public async Task<long> CountAsync(string sql, params object?[] parameters)
    {
        await using var command = Database.Command(sql, parameters);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Rows of all tables together: whatever was written shows here, unless it went again.</summary>
    public Task<long> RowsAsync() => CountAsync("""
        select (select count(*) from {events}.mt_streams) + (select count(*) from {events}.mt_events)
          + (select count(*) from {own}.revocation) + (select count(*) from {own}.logout_token) + (select count(*) from {own}.session)
          + (select count(*) from {own}.subject) + (select count(*) from {own}.login_attempt) + (select count(*) from {own}.activity)
        """);

    /// <summary>Waits until every end is written that the sweeps have to write, so that they write no more.</summary>
    public Task SweptAsync() => Until.TrueAsync("every session that is over has ended", async () => await CountAsync("""
        select count(*) from {own}.session s where s.ended_at is null and (s.expires_at <= clock_timestamp() or exists (
          select 1 from {own}.revocation r where r.key in (s.id, s.subject_key, s.sid_key) and r.position > s.position))
        """) == 0);

    public async Task ExecuteAsync(string sql, params object?[] parameters)
    {
        await using var command = Database.Command(sql, parameters);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A database that answers nobody.</summary>
    public static PostgresSettings Nowhere(PostgresSettings settings) => settings with
    {
        ConnectionString = new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Host = "127.0.0.1", Port = 1 }.ConnectionString,
    };

    public static SessionId NewId() => new(Guid.CreateVersion7());
}
