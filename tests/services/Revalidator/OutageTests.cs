using System.Text.Json;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>The IdP is away, or does not know us any more, and many people are signed in.</summary>
public sealed class OutageTests
{
    private const int Crowd = 60;
    private const int Rate = 60;

    // F23: the IdP is down for ten minutes, and then a thousand overdue sessions must not bring it down again.
    [StoreFact]
    public async Task An_IdP_that_is_away_for_ten_minutes_signs_nobody_out_and_is_not_overrun_when_it_is_back()
    {
        var clock = new OffsetClock(TimeSpan.Zero);
        await using var world = await CrowdWorld.StartAsync("outage", clock, null,
            ("revalidation.rate", $"{Rate}"), ("revalidation.concurrency", "20"), ("revalidation.idleInterval", "10m"));
        await world.IssueAsync("away", Crowd, TimeSpan.FromSeconds(55));
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
        var worker = await world.StartWorkerAsync("worker-1");
        for (var minute = 0; minute <= 10; minute += 2)
        {
            await world.QuietAsync();
            clock.Offset += TimeSpan.FromMinutes(2);
        }

        await world.QuietAsync();
        Assert.Equal("away", Provider(await CrowdWorld.StatusAsync(worker)).GetProperty("state").GetString());
        Assert.Equal((0, Crowd), (await world.CountAsync("ended_at is not null"), await world.EventsAsync("revalidation_skipped")));

        // Five questions found out; then one each time the clock was moved on, and few in between.
        Assert.InRange(world.Idp.Log.Count(StubEndpoint.Token), 1, 60);

        world.Idp.Heal(StubEndpoint.Token);
        world.Idp.Log.Clear();
        var back = clock.GetUtcNow();
        for (var interval = 0; interval < 2; interval++)
        {
            clock.Offset += TimeSpan.FromSeconds(66);
            await world.QuietAsync();
        }

        Assert.Equal((0, 0), (await world.CountAsync("ended_at is not null"), await world.CountAsync("verified_at < $1", back)));
        Assert.InRange(Busiest(world.TokenCalls()), 1, Rate * 1.15);
        Assert.Equal("answering", Provider(await CrowdWorld.StatusAsync(worker)).GetProperty("state").GetString());
    }

    [StoreFact]
    public async Task Where_failures_deny_an_IdP_that_is_away_ends_the_sessions_but_says_nothing_about_the_people()
    {
        await using var world = await CrowdWorld.StartAsync("deny", null, null, ("revalidation.onFailure", "deny"));
        await world.IssueAsync("denied", 12, TimeSpan.Zero);
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Empty(503));
        await world.StartWorkerAsync("worker-1");
        await Until.TrueAsync("all have ended", async () => await world.CountAsync("end_reason = 'Unverified'") == 12, CrowdWorld.Patience);
        Assert.Equal((12, 0), (world.Idp.Log.Count(StubEndpoint.Token), await world.EventsAsync("subject_revoked")));
    }

    // F26: the client's secret is rotated at the IdP and forgotten here.
    [StoreFact]
    public async Task A_wrong_client_secret_raises_an_alarm_and_signs_nobody_out()
    {
        await using var world = await CrowdWorld.StartAsync("secret", null, null, ("revalidation.rate", "0"));
        await world.IssueAsync("innocent", Crowd, TimeSpan.Zero);
        var worker = await world.StartWorkerAsync("worker-1", ("providers.0.clientSecret", "yesterday's"));
        await Until.TrueAsync("all were asked about", () => Task.FromResult(world.Idp.Log.Count(StubEndpoint.Token) >= Crowd), CrowdWorld.Patience);
        await world.QuietAsync();
        var provider = Provider(await CrowdWorld.StatusAsync(worker));
        Assert.Equal(("misconfigured", "invalid_client"), (provider.GetProperty("state").GetString(), provider.GetProperty("error").GetString()));
        Assert.Equal((0, 0), (await world.CountAsync("ended_at is not null"), await world.EventsAsync("subject_revoked")));
    }

    // F27: among many, exactly the one whom the IdP refuses.
    [StoreFact]
    public async Task One_of_many_is_refused_and_exactly_that_person_is_out()
    {
        var crowd = LongRun.Times(200, 1000);
        await using var world = await CrowdWorld.StartAsync("one", null, null, ("revalidation.rate", "0"), ("revalidation.concurrency", "32"));
        await world.IssueAsync("many", crowd, TimeSpan.Zero);
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Error("invalid_grant"));
        await world.StartWorkerAsync("worker-1");
        await world.QuietAsync();
        Assert.Equal((1, 1), (await world.EventsAsync("subject_revoked"), await world.CountAsync(
            "exists (select 1 from {own}.revocation r where r.kind <> 4 and r.key in (s.id, s.subject_key))")));
        Assert.Equal(crowd - 1, await world.CountAsync("token_version = 2"));
    }

    private static JsonElement Provider(JsonElement revalidation) =>
        revalidation.GetProperty("issuers").EnumerateObject().First().Value.GetProperty("provider");

    private static int Busiest(IReadOnlyList<double> calls) => calls.Max(from => calls.Count(c => c >= from && c < from + 1));
}
