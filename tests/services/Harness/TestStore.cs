using System.Security.Cryptography;
using Npgsql;

namespace EventAuth.Services.Tests.Harness;

/// <summary>A database of its own on the Postgres server that <c>EVENTAUTH_TEST_POSTGRES</c> names; dropped at the end.</summary>
public sealed class TestStore : IAsyncDisposable
{
    private const string Variable = "EVENTAUTH_TEST_POSTGRES";
    private readonly string? _name;

    private TestStore(string name)
    {
        _name = name;
        ConnectionString = new NpgsqlConnectionStringBuilder(Server) { Database = name }.ConnectionString;
    }

    /// <summary>A database on a server of the test's own, which goes with it.</summary>
    internal TestStore(PrivatePostgres server) => ConnectionString = server.ConnectionString;

    /// <summary>Whether there is a server. In CI there must be: tests then run and fail without.</summary>
    public static bool IsConfigured => Server.Length > 0 || Environment.GetEnvironmentVariable("CI") == "true";

    public string ConnectionString { get; }

    private static string Server => Environment.GetEnvironmentVariable(Variable) ?? "";

    public static async Task<TestStore> CreateAsync(string purpose)
    {
        if (Server.Length == 0)
        {
            throw new InvalidOperationException($"{Variable} has to name a Postgres server when CI=true");
        }

        var store = new TestStore($"t_{purpose.ToLowerInvariant()}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}");
        await ExecuteAsync(Server, $"create database {store._name}");
        return store;
    }

    /// <summary>Runs a statement as a bystander would.</summary>
    public Task ExecuteAsync(string sql) => ExecuteAsync(ConnectionString, sql);

    /// <summary>Rows of a query, each value as text.</summary>
    public async Task<List<string[]>> QueryAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string[]>();
        while (await reader.ReadAsync())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "" : reader.GetValue(i).ToString() ?? "")]);
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        if (_name is not null)
        {
            await ExecuteAsync(Server, $"drop database if exists {_name} with (force)");
        }
    }

    private static async Task ExecuteAsync(string server, string sql)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server) { Pooling = false }.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>A test that needs Postgres: skipped at home without one, never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StoreFactAttribute : FactAttribute
{
    public StoreFactAttribute() => Skip = TestStore.IsConfigured ? null : "EVENTAUTH_TEST_POSTGRES names no server (tests/run starts one)";
}

/// <summary>As <see cref="StoreFactAttribute"/>, for tables.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StoreTheoryAttribute : TheoryAttribute
{
    public StoreTheoryAttribute() => Skip = TestStore.IsConfigured ? null : "EVENTAUTH_TEST_POSTGRES names no server (tests/run starts one)";
}
