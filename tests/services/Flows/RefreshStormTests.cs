using System.Net;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Flows;

/// <summary>F20 in small: many sessions, many requests each, all tokens expired at once, over two gateways. <c>tests/storm</c> is the large one.</summary>
public sealed class RefreshStormTests
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    // Dashboards after a night: with rotation and reuse detection a second call for one session ends its whole grant.
    [StoreFact]
    public async Task Three_storms_of_five_sessions_make_one_call_per_session_each_and_sign_nobody_out()
    {
        await using var world = await RefreshWorld.StartAsync("storm", stands: true);
        var browsers = await SignInAsync(world, 5);
        for (var cycle = 1; cycle <= 3; cycle++)
        {
            world.Advance(Life);

            var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => browsers[i % 5].CallAsync(gateway: i / 5 % 2)));

            Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.StatusCode));
            Assert.All(world.Idp.Grants.All.Values, g => Assert.Equal(cycle, g.Refreshes));
        }

        Assert.Empty(await world.EndReasonsAsync());
    }

    // A coordinator with a limit of ten refused the eleventh person.
    [StoreFact]
    public async Task Eleven_sessions_are_renewed_side_by_side()
    {
        await using var world = await RefreshWorld.StartAsync("eleven", true, null, ("refresh.timeout", "10s"), ("refresh.lease", "15s"));
        var browsers = await SignInAsync(world, 11);
        world.Idp.Always(StubEndpoint.Token, StubAnswer.Slow(TimeSpan.FromSeconds(1)));
        world.Advance(Life);

        var answers = Task.WhenAll(browsers.Select(b => b.CallAsync()));

        // All have asked before the first has an answer.
        await Until.TrueAsync("the IdP has eleven questions", () => world.Calls == 11);
        Assert.False(answers.IsCompleted);
        Assert.All(await answers, a => Assert.Equal(HttpStatusCode.OK, a.StatusCode));
    }

    // A breaker for all sessions together, counting every waiter, let one person's dead token lock everybody out.
    [StoreFact]
    public async Task One_dead_token_stops_nobody_else()
    {
        await using var world = await RefreshWorld.StartAsync("deadtoken", stands: true);
        var (dead, _) = await world.SignInAsync("dead");
        var browsers = await SignInAsync(world, 3);
        world.Idp.Withdraw("dead");
        world.Advance(Life);

        var refused = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => dead.CallAsync(gateway: i % 2)));
        var answers = await Task.WhenAll(browsers.Select(b => b.CallAsync()));

        Assert.All(refused, a => Assert.Equal(HttpStatusCode.Unauthorized, a.StatusCode));
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.StatusCode));
        Assert.Equal(["RefusedByProvider"], await world.EndReasonsAsync());
        Assert.Equal(1, world.Idp.Grants.All.Values.Single(g => g.Sub == "dead").Refreshes);
    }

    private static async Task<IReadOnlyList<Browser>> SignInAsync(RefreshWorld world, int count)
    {
        var browsers = new List<Browser>();
        for (var i = 0; i < count; i++)
        {
            browsers.Add((await world.SignInAsync($"person-{i}")).Item1);
        }

        return browsers;
    }
}
