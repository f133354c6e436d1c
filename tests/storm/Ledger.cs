using EventAuth.Guarantee.Worlds;
using Npgsql;

namespace EventAuth.Storm;

/// <summary>What the store says, past all gateways.</summary>
internal sealed class Ledger(World world) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(world.Servers.Postgres);

    /// <summary>Whose tokens a process has the lease of.</summary>
    public async Task<IReadOnlySet<Member>> HeldAsync(string owner, IReadOnlyList<Member> members)
    {
        var ids = await RowsAsync("""
            select session_id, '' from eventauth.session_token where starts_with(lease_owner, $1) and lease_until > clock_timestamp()
            """, owner);
        return members.Where(m => ids.ContainsKey(m.Id)).ToHashSet();
    }

    /// <summary>Which members' sessions are over, and why.</summary>
    public async Task<IReadOnlyDictionary<Member, string>> EndedAsync(IReadOnlyList<Member> members)
    {
        var ended = await RowsAsync("select id, coalesce(end_reason, '') from eventauth.session where ended_at is not null");
        return members.Where(m => ended.ContainsKey(m.Id)).ToDictionary(m => m, m => ended[m.Id]);
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task<Dictionary<Guid, string>> RowsAsync(string sql, params string[] parameters)
    {
        await using var command = _source.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        await using var reader = await command.ExecuteReaderAsync();
        var rows = new Dictionary<Guid, string>();
        while (await reader.ReadAsync())
        {
            rows[reader.GetGuid(0)] = reader.GetString(1);
        }

        return rows;
    }
}
