using EventAuth.Adapters.Settings;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>The pool of connections, with limits on every wait, and our statements with the schemas' names in them.</summary>
public sealed class Database : IAsyncDisposable
{
    // A call that Postgres has not answered by then counts as "store away". The webhook must refuse within 3 s.
    private const int LimitSeconds = 2;
    private const int FeedConnections = 4;

    private readonly PostgresSettings _settings;

    public Database(PostgresSettings settings)
    {
        _settings = settings;
        Own = settings.Schema;
        var text = new NpgsqlConnectionStringBuilder(settings.ConnectionString)
        {
            Timeout = LimitSeconds,
            CommandTimeout = LimitSeconds,
            CancellationTimeout = -1,
            KeepAlive = 5,
            MaxPoolSize = 20,
            MaxAutoPrepare = 50,
            AutoPrepareMinUsages = 2,
            ApplicationName = "eventauth",
            Options = "-c idle_in_transaction_session_timeout=5000 -c lock_timeout=2000 -c TimeZone=UTC",
        };
        if (text.GssEncryptionMode == GssEncryptionMode.Prefer)
        {
            // Measured: when a server has gone silent, asking for it first makes a call of 2 s one of 6 s.
            text.GssEncryptionMode = GssEncryptionMode.Disable;
        }

        Source = new NpgsqlDataSourceBuilder(text.ConnectionString).Build();
        text.MaxPoolSize = FeedConnections;
        text.ApplicationName = "eventauth feed";
        FeedSource = new NpgsqlDataSourceBuilder(text.ConnectionString).Build();
    }

    public NpgsqlDataSource Source { get; }

    /// <summary>
    /// Connections that the revocation feed has for itself: however many requests queue for the others, the feed is read,
    /// or the lease would lapse for everybody.
    /// </summary>
    public NpgsqlDataSource FeedSource { get; }

    /// <summary>Schema of our own tables; prefix of the notification channels too.</summary>
    public string Own { get; }

    /// <summary>Puts the schemas' names into a statement. Names were checked by the settings' rules.</summary>
    public string Sql(string text) => text.Replace("{own}", Own, StringComparison.Ordinal)
        .Replace("{events}", _settings.EventSchema, StringComparison.Ordinal);

    /// <summary>A command of the statement.</summary>
    public NpgsqlCommand Command(string sql, params ReadOnlySpan<object?> parameters)
    {
        var command = Source.CreateCommand(Sql(sql));
        foreach (var value in parameters)
        {
            command.Parameters.Add(Parameter(value));
        }

        return command;
    }

    /// <summary>A command of a batch.</summary>
    public NpgsqlBatchCommand Part(string sql, params ReadOnlySpan<object?> parameters)
    {
        var command = new NpgsqlBatchCommand(Sql(sql));
        foreach (var value in parameters)
        {
            command.Parameters.Add(Parameter(value));
        }

        return command;
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await FeedSource.DisposeAsync();
    }

    private static NpgsqlParameter Parameter(object? value) => new() { Value = value ?? DBNull.Value };
}
