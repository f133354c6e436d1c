using System.Text.Json;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Telemetry;
using EventAuth.Revalidator;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>More sessions than the checks can keep up with: somebody must be told, because whoever was removed stays in for longer.</summary>
public sealed class FallingBehindTests(LiveStore store) : IClassFixture<LiveStore>
{
    private const int Behind = 2009;
    private const int OnTime = 2010;

    [StoreFact]
    public async Task It_is_said_once_with_what_to_do_and_shown_until_it_is_over()
    {
        await using var world = await RevalidationWorld.StartAsync(store, ("revalidation.rate", "7"));
        using var metrics = new Metrics();
        using var exporter = new PrometheusText(metrics.Meter);
        var progress = ProgressOf(world, metrics);
        progress.Measure(metrics);
        var id = await world.SignInAsync("waits");
        world.Clock.Advance(TimeSpan.FromSeconds(40));
        await LookAsync(world, progress);
        Assert.Empty(world.Log.Lines);

        // Half an interval of 60 s and the time limit of 10 s.
        world.Clock.Advance(TimeSpan.FromSeconds(1));
        await LookAsync(world, progress);
        await LookAsync(world, progress);
        var line = Assert.Single(world.Log.Lines);
        Assert.Equal(Behind, line.Id);
        Assert.Contains("Raise revalidation.rate (now 7 per second)", line.Text, StringComparison.Ordinal);
        Assert.Equal((true, 41.0), Shown(progress));
        Assert.Contains($"eventauth_revalidation_behind{{issuer=\"{world.Idp.Issuer}\"}} 1", exporter.Write(), StringComparison.Ordinal);
        Assert.Contains($"eventauth_revalidation_late_seconds{{issuer=\"{world.Idp.Issuer}\"}} 41", exporter.Write(), StringComparison.Ordinal);

        await world.CheckAsync(id);
        await LookAsync(world, progress);
        Assert.Equal([Behind, OnTime], world.Log.Lines.Select(l => l.Id));
        Assert.Equal((false, 0.0), Shown(progress));
        Assert.Contains($"eventauth_revalidation_behind{{issuer=\"{world.Idp.Issuer}\"}} 0", exporter.Write(), StringComparison.Ordinal);
    }

    // Each of them has its own line, or none: a warning that comes with every outage and every night is read by nobody.
    [StoreFact]
    public async Task Neither_an_outage_nor_a_rest_nor_a_slow_answer_nor_a_dead_session_is_falling_behind()
    {
        await using var world = await RevalidationWorld.StartAsync(store, ("revalidation.idleInterval", "10m"));
        using var metrics = new Metrics();
        var progress = ProgressOf(world, metrics);
        var rests = await world.SignInAsync("rests");
        world.Clock.Advance(TimeSpan.FromSeconds(10));
        await world.CheckAsync(rests);
        await world.CheckAgainAsync(rests);
        world.Clock.Advance(TimeSpan.FromSeconds(500));
        await LookAsync(world, progress);
        await store.ExecuteAsync("delete from {own}.session where issuer = $1", world.Idp.Issuer);

        var outage = await world.SignInAsync("outage");
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
        for (var i = 0; i < 3; i++)
        {
            Assert.IsType<CheckStep.Skip>(await world.CheckAgainAsync(outage));
            await LookAsync(world, progress);
        }

        await store.ExecuteAsync("delete from {own}.session where issuer = $1", world.Idp.Issuer);
        world.Idp.Heal(StubEndpoint.Token);
        var revoked = await world.SignInAsync("revoked");
        await store.ExecuteAsync("""
            insert into {own}.revocation (position, kind, key, stream_id, event_id, committed_at)
            select {own}.draw_position(), 1::smallint, subject_key, 'test', gen_random_uuid(), now() from {own}.session where id = $1
            """, revoked.Value);
        await world.SignInAsync("slow");
        Assert.NotEmpty(await world.ClaimAsync());
        world.Clock.Advance(TimeSpan.FromSeconds(50));
        await LookAsync(world, progress);
        Assert.DoesNotContain(world.Log.Lines, l => l.Id is Behind or OnTime);
    }

    private static (bool Behind, double Late) Shown(RevalidationProgress progress)
    {
        var status = JsonSerializer.SerializeToElement(progress.Describe());
        return (status.GetProperty("Behind").GetBoolean(), status.GetProperty("LateSeconds").GetDouble());
    }

    private async Task LookAsync(RevalidationWorld world, RevalidationProgress progress) =>
        progress.Update(await new DueOverview(store.Database).ReadAsync(world.Clock.GetUtcNow(), default));

    private static RevalidationProgress ProgressOf(RevalidationWorld world, Metrics metrics)
    {
        var (pause, log) = (new StorePause(world.Log.For<StorePause>()), world.Log.For<RevalidationLoop>());
        var progress = new RevalidationProgress(world.Health, pause, world.Settings, world.Clock, log);
        progress.Add(new IssuerLane(world.Idp.Issuer, world.Due, world.Check, pause, metrics, world.Settings, world.Clock, log));
        return progress;
    }
}
