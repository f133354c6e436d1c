using System.Text.Json;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Guarantee;

/// <summary>The store lost its newest revocations: nobody knows which sessions they had ended, so the IdP is asked about all.</summary>
public sealed class RegressedFeedTests(RegressedFeedTests.Fixture fixture) : IClassFixture<RegressedFeedTests.Fixture>
{
    private static readonly HttpClient Http = new();

    // A backup of last night is restored, or a standby that lagged takes over.
    [StoreFact]
    public async Task Every_live_session_is_due_for_a_check_and_it_is_counted_and_shown()
    {
        var (store, world) = (fixture.Store, fixture.World);
        await IssuedSession.ManyAsync(store, world.Idp.Issuer, "person", 3);
        Assert.Equal(JsonValueKind.Null, (await RegressedAtAsync(world)).ValueKind);
        for (var i = 0; i < 3; i++)
        {
            await world.Idp.SendLogoutTokenAsync(new Uri(world.Logout.Public, "/backchannel-logout"), $"gone-{i}", null, CancellationToken.None);
        }

        await store.ExecuteAsync("update eventauth.session set next_check_at = now() + interval '1 hour'");
        var head = (await store.QueryAsync("select max(position) from eventauth.revocation"))[0][0];
        await Until.TrueAsync("the gateways have applied it", async () =>
            (await store.QueryAsync($"select count(*) from eventauth.replica where applied_position >= {head}"))[0][0] == "2");
        await store.ExecuteAsync("delete from eventauth.revocation where position > 1");

        await Until.TrueAsync("all live sessions are due", async () =>
            (await store.QueryAsync("select count(*) from eventauth.session where ended_at is null and next_check_at > now()"))[0][0] == "0");
        foreach (var gateway in world.Gateways)
        {
            await Until.TrueAsync("the gateway is ready again", gateway.IsReadyAsync);
            Assert.Contains("eventauth_feed_regressions_total 1\n",
                await Http.GetStringAsync(new Uri(gateway.Operations, "/metrics")), StringComparison.Ordinal);
        }

        Assert.Equal(JsonValueKind.String, (await RegressedAtAsync(world)).ValueKind);
    }

    [StoreFact]
    public async Task However_many_they_are_each_slice_goes_on_where_the_last_one_ended()
    {
        await using var store = await TestStore.CreateAsync("slices");
        await using var database = new Database(new PostgresSettings(store.ConnectionString, "eventauth_events", "eventauth"));
        var sessions = await IssuedSession.ManyAsync(store, "https://idp.test", "person", 7);
        await store.ExecuteAsync($"""
            update eventauth.session set next_check_at = now() + interval '1 hour';
            update eventauth.session set ended_at = now() where id = '{sessions[0].Id.Value}'
            """);

        var due = new DueSessions(database);
        var slices = 0;
        for (Guid? after = Guid.Empty; after is { } from; slices++)
        {
            after = await due.MakeDueAsync(from, 3, CancellationToken.None);
        }

        Assert.Equal(3, slices);
        Assert.Equal([sessions[0].Id.Value.ToString()],
            (await store.QueryAsync("select id from eventauth.session where next_check_at > now()")).Select(r => r[0]));
    }

    private static async Task<JsonElement> RegressedAtAsync(World world) =>
        JsonDocument.Parse(await Http.GetStringAsync(new Uri(world.Gateways[0].Operations, "/status"))).RootElement
            .GetProperty("revocations").GetProperty("regressedAt");

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, gateways: 2);
    }
}
