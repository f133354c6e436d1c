using System.Globalization;
using System.Text.RegularExpressions;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Services.Tests.Harness;
using Npgsql;

namespace EventAuth.Services.Tests.Guarantee;

/// <summary>How long a revocation took to the last replica is told once, by whoever saw it arrive there.</summary>
public sealed partial class EverywhereTests(EverywhereTests.Fixture fixture) : IClassFixture<EverywhereTests.Fixture>
{
    private static readonly HttpClient Http = new();

    // The bound below and a second: who has not reported for so long lets nobody in from memory.
    private static readonly TimeSpan NotAliveAfter = TimeSpan.FromSeconds(2);

    [StoreFact]
    public async Task Of_several_replicas_exactly_one_tells_of_each_revocation()
    {
        var before = await CountAsync();
        await RevokeAsync(20);
        await ReachedAsync();
        Assert.Equal(before + 20, await CountAsync());
    }

    // Two replicas report in the same moment, and each sees that by now all have applied it.
    [StoreFact]
    public async Task Whoever_comes_second_waits_and_then_has_nothing_to_tell()
    {
        await using var store = await TestStore.CreateAsync("second");
        await using var database = new Database(new PostgresSettings(store.ConnectionString, "eventauth_events", "eventauth"));
        await new Schema(database).ApplyAsync(default);
        await store.ExecuteAsync("""
            select eventauth.announce(eventauth.draw_position(), 1::smallint, gen_random_uuid(), 's', gen_random_uuid());
            insert into eventauth.replica (instance, applied_position, applied_at, seen_at) values ('one', 1, clock_timestamp(), clock_timestamp())
            """);
        await using var first = await database.Source.OpenConnectionAsync();
        await using var transaction = await first.BeginTransactionAsync();
        Assert.Equal(1L, await CountReachedAsync(first));
        await using var other = await database.Source.OpenConnectionAsync();
        var second = CountReachedAsync(other);
        await Until.TrueAsync("the second one waits", async () => (await store.QueryAsync(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"))[0][0] == "1");

        await transaction.CommitAsync();
        Assert.Equal(0L, await second);
    }

    // A replica is killed: it must not hold the measurement up for ever, and its absence is no instant arrival.
    [StoreFact]
    public async Task A_replica_that_stopped_counts_until_its_lease_has_lapsed()
    {
        await ReachedAsync();
        var (before, sum) = (await CountAsync(), await SumAsync());
        await fixture.Store.ExecuteAsync(
            "insert into eventauth.replica (instance, applied_position, applied_at, seen_at) values ('stopped', 0, clock_timestamp(), clock_timestamp())");
        await RevokeAsync(1);
        await Until.TrueAsync("the replicas that live have applied it", async () => (await fixture.Store.QueryAsync(
            "select count(*) from eventauth.replica where applied_position = (select max(position) from eventauth.revocation)"))[0][0] == "3");
        Assert.Equal(before, await CountAsync());

        // It was last seen before the commit, by as long as the webhook took: by so much less than the lease is told.
        var between = double.Parse((await fixture.Store.QueryAsync("""
            select extract(epoch from max(committed_at) - (select seen_at from eventauth.replica where instance = 'stopped'))::text
            from eventauth.revocation
            """))[0][0], CultureInfo.InvariantCulture);
        await Until.TrueAsync("it has arrived wherever somebody may be let in", async () => await CountAsync() == before + 1);
        Assert.InRange(await SumAsync() - sum, NotAliveAfter.TotalSeconds - between, 20);
    }

    private async Task RevokeAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var status = await fixture.World.Idp.SendLogoutTokenAsync(
                new Uri(fixture.World.Logout.Public, "/backchannel-logout"), $"somebody-{i}", null, CancellationToken.None);
            Assert.Equal(200, status);
        }
    }

    private static async Task<long> CountReachedAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("select count(*) from eventauth.reached(interval '1 minute')", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private Task ReachedAsync() => Until.TrueAsync("all have applied all", async () => (await fixture.Store.QueryAsync(
        "select count(*) from eventauth.store where reached = (select coalesce(max(position), 0) from eventauth.revocation)"))[0][0] == "1");

    private async Task<double> CountAsync() => (await ReadAsync("count")).Sum();

    private async Task<double> SumAsync() => (await ReadAsync("sum")).Sum();

    private async Task<double[]> ReadAsync(string what) => await Task.WhenAll(fixture.World.Gateways.Select(async gateway =>
    {
        var match = Value().Matches(await Http.GetStringAsync(new Uri(gateway.Operations, "/metrics"))).FirstOrDefault(m => m.Groups[1].Value == what);
        return match is null ? 0 : double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
    }));

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, gateways: 3, settings: new Dictionary<string, string>
        {
            ["revocation.bound"] = "1s",
            ["revocation.pollInterval"] = "200ms",
        });
    }

    [GeneratedRegex(@"^eventauth_revocation_all_replicas_seconds_(count|sum) (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Value();
}
