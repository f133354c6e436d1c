using EventAuth.Guarantee.Histories;
using Npgsql;

namespace EventAuth.Guarantee.Faults;

/// <summary>Transactions of others that a reader of the feed must not stumble over. None of them loosens the bound.</summary>
internal static class StoreFaults
{
    private const string OpenInsert = """
        insert into eventauth_events.mt_streams (id, type, version) values ($1, 'fault', 1)
        """;

    private const string OpenEvent = """
        insert into eventauth_events.mt_events (seq_id, id, stream_id, version, data, type)
        values (nextval('eventauth_events.mt_events_sequence'), gen_random_uuid(), $1, 1, '{}', 'login_refused')
        """;

    // As the service does it: the position is drawn under the lock, and the lock lasts until the end.
    private const string Announce = """
        select eventauth.announce(eventauth.draw_position(), 1::smallint, gen_random_uuid(), 'fault', gen_random_uuid())
        """;

    public static IEnumerable<Fault> All =>
    [
        new("idle-transaction", "somebody leaves a transaction open that has inserted an event", Reach.Everybody, Loosens: false, Excuses: false,
            NeedsBroker: false, IdleAsync),
        new("late-commit", "transactions draw a place in the feed and commit or roll back after 0.2 to 1.5 s", Reach.Everybody, Loosens: false,
            Excuses: false, NeedsBroker: false, LateAsync),
    ];

    private static async Task IdleAsync(Attack attack, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(attack.World.Servers.Postgres);
        await using var connection = await source.OpenConnectionAsync(CancellationToken.None);
        await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
        var stream = $"fault-{Monotonic.Now}";
        await ExecuteAsync(connection, OpenInsert, stream);
        await ExecuteAsync(connection, OpenEvent, stream);
        await Pause.ForAsync(attack.Duration, ct);
        await transaction.RollbackAsync(CancellationToken.None);
    }

    private static async Task LateAsync(Attack attack, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(attack.World.Servers.Postgres);
        await using var connection = await source.OpenConnectionAsync(CancellationToken.None);
        var until = Monotonic.Now + (attack.Duration.Ticks * TimeSpan.NanosecondsPerTick);
        while (Monotonic.Now < until && !ct.IsCancellationRequested)
        {
            await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
            await ExecuteAsync(connection, Announce);
            await Pause.ForAsync(attack.Dice.Between(0.2, 1.5), ct);
            await (attack.Dice.Chance(0.5) ? transaction.CommitAsync(CancellationToken.None) : transaction.RollbackAsync(CancellationToken.None));
            await Pause.ForAsync(attack.Dice.Between(0.05, 0.3), ct);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, params string[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        await command.ExecuteNonQueryAsync();
    }
}
