using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>Workers that share the load, die, and have several IdPs to ask.</summary>
public sealed class WorkerTests
{
    private const int Crowd = 120;

    // F28: two workers by mistake or on purpose. A claim that had waited for the other's once took what the other had
    // checked meanwhile.
    [StoreFact]
    public async Task Two_workers_check_everybody_once()
    {
        await using var world = await CrowdWorld.StartAsync("two", null, null, ("revalidation.rate", "100"), ("revalidation.concurrency", "16"));
        await world.IssueAsync("shared", Crowd, TimeSpan.FromSeconds(3));
        await Task.WhenAll(world.StartWorkerAsync("worker-1"), world.StartWorkerAsync("worker-2"));
        await Until.TrueAsync("all are verified", async () => await world.CountAsync("token_version >= 2") == Crowd, CrowdWorld.Patience);
        await world.QuietAsync();
        Assert.Equal((Crowd, Crowd), (world.Idp.Log.Count(StubEndpoint.Token), await world.CountAsync("token_version = 2")));
    }

    // F28: a worker dies with its hands full.
    [StoreFact]
    public async Task What_a_killed_worker_had_begun_is_checked_by_the_next()
    {
        await using var world = await CrowdWorld.StartAsync("killed", null, null, ("revalidation.rate", "0"),
            ("revalidation.timeout", "1s"), ("refresh.timeout", "1s"), ("refresh.lease", "2s"));
        await world.IssueAsync("left", 20, TimeSpan.Zero);
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Hang());
        var worker = await world.StartProcessAsync("worker-1");
        await Until.TrueAsync("its hands are full", () => world.Idp.Log.Count(StubEndpoint.Token) >= 8);
        await worker.KillAsync();
        var left = await world.CountAsync("check_until > clock_timestamp()");
        world.Idp.Heal(StubEndpoint.Token);
        await world.StartWorkerAsync("worker-2");

        // Whose question ended by its time limit before the kill is due again an interval later.
        await Until.TrueAsync("all are verified", async () => await world.CountAsync("token_version >= 2") == 20, 2 * CrowdWorld.Patience);
        Assert.InRange(left, 1, 8);
        Assert.Equal(0, await world.CountAsync("ended_at is not null"));
    }

    // F24: an IdP that answers after 9.9 s takes up all the places it can get, 8: with them alone everybody would take minutes.
    [StoreFact]
    public async Task A_slow_IdP_keeps_nobody_of_another_waiting()
    {
        await using var slow = await StubProvider.StartAsync();
        slow.Always(StubEndpoint.Token, StubAnswer.Slow(TimeSpan.FromSeconds(9.9)));
        await using var world = await CrowdWorld.StartAsync("slow", null, null, ("revalidation.rate", "0"), ("providers.1.issuer", slow.Issuer),
            ("providers.1.clientId", slow.Options.ClientId), ("providers.1.clientSecret", slow.Options.ClientSecret));
        await world.IssueAsync("slow", Crowd, TimeSpan.Zero, at: slow);
        await world.IssueAsync("quick", Crowd, TimeSpan.Zero);
        var worker = await world.StartWorkerAsync("worker-1");
        await Until.TrueAsync("the others are verified", async () => await world.CountAsync("token_version = 2 and issuer = $1", world.Idp.Issuer) == Crowd,
            TimeSpan.FromSeconds(40));
        Assert.InRange(await world.CountAsync("token_version = 2 and issuer = $1", slow.Issuer), 0, Crowd / 2);
        Assert.InRange((await CrowdWorld.StatusAsync(worker)).GetProperty("issuers").GetProperty(slow.Issuer).GetProperty("inFlight").GetInt32(), 1, 8);
    }

    [StoreFact]
    public async Task Sessions_of_an_issuer_that_left_the_settings_are_no_reason_to_sign_anybody_out()
    {
        await using var gone = await StubProvider.StartAsync();
        await using var world = await CrowdWorld.StartAsync("orphans");
        await world.IssueAsync("orphan", 3, TimeSpan.Zero, at: gone);
        var worker = await world.StartWorkerAsync("worker-1");
        await Until.TrueAsync("they were looked at", async () =>
            (await CrowdWorld.StatusAsync(worker)).GetProperty("issuers").TryGetProperty(gone.Issuer, out var lane)
            && lane.GetProperty("provider").GetRawText().Contains("unknown_issuer", StringComparison.Ordinal));
        Assert.Equal((0, 0), (gone.Log.All.Count, await world.CountAsync("ended_at is not null")));
    }

    // The store's clock tells when each check was claimed: the lease ends a fixed time after it.
    [StoreTheory]
    [InlineData(1, 3)]
    [InlineData(7, 3)]
    [InlineData(40, 3)]
    public async Task No_second_has_more_checks_than_the_rate_however_many_workers_there_are(int rate, int workers)
    {
        await using var world = await CrowdWorld.StartAsync("rate");
        await world.IssueAsync("hurry", rate * 4, TimeSpan.Zero);
        var lease = TimeSpan.FromMinutes(1);
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        var claimed = await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(async () =>
        {
            await using var database = new Database(new PostgresSettings(world.Store.ConnectionString, "eventauth_events", "eventauth"));
            var (due, all) = (new DueSessions(database), new List<DueSession>());
            while (!over.IsCancellationRequested)
            {
                all.AddRange((await due.ClaimAsync(
                    new DueQuery(world.Idp.Issuer, TimeProvider.System.GetUtcNow(), [], 50, lease, rate), default)).Sessions);
            }

            return all;
        })));
        var times = claimed.SelectMany(c => c).Select(d => d.LeaseUntil).Order().ToList();
        Assert.Equal(times.Count, claimed.SelectMany(c => c).Select(d => d.Id).Distinct().Count());
        Assert.InRange(times.Max(from => times.Count(t => t >= from && t < from.AddSeconds(1))), 1, rate);

        // And it is nearly reached: five sixths of it over three seconds, less what a busy machine loses.
        Assert.InRange(times.Count, rate, rate * 3);
    }
}
