using System.Diagnostics;
using EventAuth.Adapters.Refresh;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace EventAuth.Services.Tests.Faults;

/// <summary>F42: very many sign-outs in a short time, one by one and as a single one that means everybody.</summary>
public sealed class EverybodyAtOnceTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);
    private static readonly int Count = LongRun.Times(1_000, 10_000);

    [WithBrokerFact]
    public async Task A_thousand_sign_outs_in_a_row_reach_both_gateways_within_the_bound_and_the_outbox_empties()
    {
        await using var store = await TestStore.CreateAsync("flood");
        await using var world = await StartAsync(store);
        var sessions = await IssuedSession.ManyAsync(store, world.Idp.Issuer, "flood", 100);
        Assert.All(await AskAllAsync(world, sessions), status => Assert.Equal(200, status));
        var revocations = world.Logout.Services.GetRequiredService<Revocations>();
        var started = Stopwatch.GetTimestamp();

        await Parallel.ForAsync(0, Count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, ct) =>
            await revocations.RevokeSubjectAsync(new Subject(world.Idp.Issuer, $"flood-{i}"), Because("flood"), ct));

        var committed = Stopwatch.GetTimestamp();
        await Until.TrueAsync("all are out", async () => (await AskAllAsync(world, sessions)).All(s => s == 401), Bound);
        output.WriteLine($"{Count} sign-outs in {Stopwatch.GetElapsedTime(started, committed).TotalSeconds:F1} s; "
            + $"100 sessions out on both gateways {Stopwatch.GetElapsedTime(committed).TotalMilliseconds:F0} ms after the last");
        await Until.TrueAsync("the outbox is empty", async () =>
            (await store.QueryAsync("select count(*) from eventauth.revocation where published_at is null"))[0][0] == "0", TimeSpan.FromSeconds(60));
        output.WriteLine($"outbox empty after {Stopwatch.GetElapsedTime(committed).TotalSeconds:F1} s");
        Assert.Equal($"{Count}", (await store.QueryAsync("select count(*) from eventauth_events.mt_events where type = 'subject_revoked'"))[0][0]);
    }

    [WithBrokerFact]
    public async Task Signing_everybody_out_is_one_row_for_however_many_and_who_comes_after_it_stays()
    {
        await using var store = await TestStore.CreateAsync("everybody");
        await using var world = await StartAsync(store);
        var before = await IssuedSession.ManyAsync(store, world.Idp.Issuer, "before", 200);
        Assert.All(await AskAllAsync(world, before), status => Assert.Equal(200, status));

        await world.Logout.Services.GetRequiredService<Revocations>().RevokeEverybodyAsync(Because("everybody"), CancellationToken.None);
        await Until.TrueAsync("all are out", async () => (await AskAllAsync(world, before)).All(s => s == 401), Bound);

        var after = await IssuedSession.ManyAsync(store, world.Idp.Issuer, "after", 20);
        Assert.All(await AskAllAsync(world, after), status => Assert.Equal(200, status));
        Assert.Equal("1", (await store.QueryAsync("select count(*) from eventauth.revocation"))[0][0]);
        Assert.Equal("1", (await store.QueryAsync("select count(*) from eventauth_events.mt_events where type = 'all_revoked'"))[0][0]);
    }

    private static Task<World> StartAsync(TestStore store) =>
        World.StartAsync(store, gateways: 2, settings: new Dictionary<string, string> { ["rabbitmq.url"] = TestBroker.Url });

    private static RevocationCause Because(string cause) => new(EndReason.EndedByOperator, "operator", cause, "tests", cause);

    private static async Task<int[]> AskAllAsync(World world, IReadOnlyList<IssuedSession> sessions) =>
        await Task.WhenAll(world.Gateways.SelectMany(g => sessions.Select(s => s.AskAsync(g.Public))));
}
