using System.Text.RegularExpressions;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>
/// Builds the indexes that tables of an earlier version lack, beside the tables' use: by the script alone nobody could write
/// a session until they are built. On a new database there is nothing to do, the script makes them with the tables.
/// </summary>
internal sealed partial class MissingIndexes(Database database, string script)
{
    // A table of a hundred million rows takes minutes. What a process leaves half built, the next one builds anew.
    private const int LimitSeconds = 3600;

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(200);

    // Not valid: somebody is building it, or died while doing so.
    private const string MissingSql = """
        select name from unnest($1::text[], $2::text[]) as wanted (name, of_table)
        where to_regclass('{own}.' || of_table) is not null
          and not exists (select 1 from pg_index where indexrelid = to_regclass('{own}.' || name) and indisvalid)
        """;

    private readonly IReadOnlyList<Match> _indexes = Definition().Matches(script).ToList();

    public async Task BuildAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        while (await MissingAsync(connection, ct) is { Count: > 0 } missing)
        {
            // Looked at again instead of waited for: the building waits for every statement that is under way, also for that.
            if (await TryLockAsync(connection, ct))
            {
                await BuildAsync(connection, await MissingAsync(connection, ct), ct);
                return;
            }

            await Task.Delay(LookAgain, TimeProvider.System, ct);
        }
    }

    private async Task BuildAsync(NpgsqlConnection connection, IReadOnlyList<string> missing, CancellationToken ct)
    {
        try
        {
            await RunAsync(connection, "set lock_timeout = 0", ct);
            foreach (var index in _indexes.Where(i => missing.Contains(i.Groups["name"].Value)))
            {
                await RunAsync(connection, $"drop index concurrently if exists {{own}}.{index.Groups["name"].Value}", ct);
                await RunAsync(connection, $"create index concurrently {index.Groups["name"].Value} on {index.Groups["what"].Value}", ct);
            }
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedColumn)
        {
            // Of a column that is still to be added: the script makes both.
        }
        finally
        {
            // The pool gives the connection a clean state only when it is used again.
            await RunAsync(connection, "reset lock_timeout; select pg_advisory_unlock(hashtext('{own}.indexes'))", CancellationToken.None);
        }
    }

    private async Task<IReadOnlyList<string>> MissingAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(database.Sql(MissingSql), connection);
        command.Parameters.Add(new NpgsqlParameter { Value = _indexes.Select(i => i.Groups["name"].Value).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = _indexes.Select(i => i.Groups["table"].Value).ToArray() });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var names = new List<string>();
        while (await reader.ReadAsync(ct))
        {
            names.Add(reader.GetString(0));
        }

        return names;
    }

    private async Task<bool> TryLockAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(database.Sql("select pg_try_advisory_lock(hashtext('{own}.indexes'))"), connection);
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    private async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(database.Sql(sql), connection) { CommandTimeout = LimitSeconds };
        await command.ExecuteNonQueryAsync(ct);
    }

    [GeneratedRegex(@"^create index if not exists (?<name>\w+) on (?<what>\{own\}\.(?<table>\w+) [^;]+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Definition();
}
