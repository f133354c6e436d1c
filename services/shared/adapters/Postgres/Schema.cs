using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>Creates the tables and functions once, whoever starts first.</summary>
public sealed class Schema(Database database)
{
    private static readonly string[] Scripts = ["events.sql", "own.sql", "functions.sql"];
    private readonly TaskCompletionSource _applied = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done once the tables are there: background work waits for it.</summary>
    public Task Applied => _applied.Task;

    /// <exception cref="NpgsqlException">The database cannot be reached or refuses.</exception>
    public async Task ApplyAsync(CancellationToken ct)
    {
        await new MissingIndexes(database, Read("own.sql")).BuildAsync(ct);
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);

        // All services start at the same time: the lock makes the first one create and the others find it done.
        foreach (var text in Scripts.Select(Read).Prepend("select pg_advisory_xact_lock(hashtext('{own}.schema'))"))
        {
            await using var command = new NpgsqlCommand(database.Sql(text), connection, transaction) { CommandTimeout = 30 };
            await command.ExecuteNonQueryAsync(ct);
        }

        await transaction.CommitAsync(ct);
        _applied.TrySetResult();
    }

    private static string Read(string name)
    {
        using var stream = typeof(Schema).Assembly.GetManifestResourceStream($"EventAuth.Adapters.Postgres.{name}")
            ?? throw new InvalidOperationException($"{name} is not embedded");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
