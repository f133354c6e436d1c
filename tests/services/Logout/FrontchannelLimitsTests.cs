using System.Net;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Logout;

/// <summary>Where front-channel logout is off, cannot be carried out, or is asked for by a crowd.</summary>
public sealed class FrontchannelLimitsTests(LiveStore store) : IClassFixture<LiveStore>
{
    private static readonly (string, string) On = ("providers.0.frontchannelLogout", "true");

    [StoreFact]
    public async Task It_is_off_unless_an_issuer_has_it_on()
    {
        await using var world = await LogoutWorld.StartAsync(store);
        var session = await store.IssueAsync(world.Person("off"), "sid-off");
        using var answer = await world.FrameAsync(world.Idp.Issuer, "sid-off");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.False(await store.IsOverAsync(session));
    }

    [StoreFact]
    public async Task An_issuer_that_has_it_off_beside_one_that_has_it_on_is_not_known()
    {
        await using var other = await StubProvider.StartAsync();
        await using var world = await LogoutWorld.StartAsync(store, settings:
        [
            ("providers.1.issuer", other.Issuer), ("providers.1.clientId", "eventauth"), ("providers.1.clientSecret", "secret"),
            ("providers.1.frontchannelLogout", "true"),
        ]);
        var session = await store.IssueAsync(world.Person("half-off"), "sid-half-off");
        using var answer = await world.FrameAsync(world.Idp.Issuer, "sid-half-off");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("frame-ancestors 'none'", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.False(await store.IsOverAsync(session));
    }

    [StoreFact]
    public async Task Without_the_store_it_is_503_and_says_when_to_come_again()
    {
        await using var world = await LogoutWorld.StartAsync(store, postgres: LiveStore.Nowhere(store.Settings), settings: On);
        using var answer = await world.FrameAsync(world.Idp.Issuer, "sid-away");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        LogoutWorld.AssertHeaders(answer);
    }

    // Anybody can send sids: two thousand of them, and the store is as it was.
    [StoreFact]
    public async Task A_flood_of_made_up_sids_writes_nothing()
    {
        await using var world = await LogoutWorld.StartAsync(store, settings: On);
        await store.SweptAsync();
        var (rows, head) = (await store.RowsAsync(), await store.HeadAsync());
        var answered = 0;
        await Parallel.ForAsync(0, 2_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            using var answer = await world.FrameAsync(world.Idp.Issuer, $"sid-made-up-{i}");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Interlocked.Increment(ref answered);
        });

        Assert.Equal(2_000, answered);
        Assert.Equal((rows, head), (await store.RowsAsync(), await store.HeadAsync()));
        Assert.Equal(0, world.Idp.Log.Count(StubEndpoint.Keys));
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("flooded", null)));
    }

    // A crowd of frames whose looks hang (a table is locked) must not take the store's connections from those with a proof.
    [StoreFact]
    public async Task A_crowd_is_turned_away_while_a_logout_with_a_proof_goes_through()
    {
        await using var world = await LogoutWorld.StartAsync(store, settings: On);
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("crowd-before", null)));
        await using var holder = new Npgsql.NpgsqlConnection(store.Settings.ConnectionString);
        await holder.OpenAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand(store.Database.Sql("lock table {own}.subject in access exclusive mode"), holder, transaction))
        {
            await hold.ExecuteNonQueryAsync();
        }

        var frames = Enumerable.Range(0, 300).Select(i => world.FrameAsync(world.Idp.Issuer, $"sid-crowd-{i}")).ToList();
        await Until.TrueAsync("the crowd is turned away",
            async () => await world.CountedAsync("eventauth_frontchannel_logouts_total", "crowded") > 0);
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("crowd", null)));

        foreach (var answer in await Task.WhenAll(frames))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        }

        await transaction.RollbackAsync();
        using var after = await world.FrameAsync(world.Idp.Issuer, "sid-crowd-0");
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }
}
