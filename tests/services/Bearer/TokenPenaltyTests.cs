using System.Net;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Bearer;

/// <summary>Somebody tries tokens by the thousand: after some, their address is not looked at for a while.</summary>
public sealed class TokenPenaltyTests(TokenPenaltyTests.Fixture fixture) : IClassFixture<TokenPenaltyTests.Fixture>
{
    private readonly World _world = fixture.World;

    [StoreFact]
    public async Task After_too_many_bad_tokens_an_address_is_told_to_wait_and_its_neighbours_are_not()
    {
        const string Attacker = "203.0.113.7";
        var good = _world.Idp.Token("robot");
        Assert.Equal(HttpStatusCode.OK, (await CallAsync(good, Attacker)).StatusCode);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync($"bad-{i}", Attacker)).StatusCode);
        }

        using var answer = await CallAsync("bad", Attacker);
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);

        // Behind the same address: whoever has a token that was checked notices nothing, and open places stay open.
        Assert.Equal(HttpStatusCode.OK, (await CallAsync(good, Attacker)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await CallAsync("bad", Attacker, "/public")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync("bad", "203.0.113.8")).StatusCode);
    }

    [StoreFact]
    public async Task When_the_time_is_over_tokens_are_looked_at_again()
    {
        for (var i = 0; i < 3; i++)
        {
            await CallAsync("bad", "203.0.113.20");
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await CallAsync("bad", "203.0.113.20")).StatusCode);
        await Until.TrueAsync("the penalty is over", async () => (await CallAsync("bad", "203.0.113.20")).StatusCode == HttpStatusCode.Unauthorized);
    }

    // The client writes what stands before the proxy's own entry: it must not be able to speak for others, or to vary its name.
    [StoreFact]
    public async Task The_address_is_the_last_one_that_is_no_proxy_of_ours()
    {
        for (var i = 0; i < 3; i++)
        {
            await CallAsync("bad", $"198.51.100.{i}, 203.0.113.30, 127.0.0.1");
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await CallAsync("bad", "203.0.113.30")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync("bad", "198.51.100.0")).StatusCode);
    }

    [StoreFact]
    public async Task An_IPv6_client_is_its_whole_network()
    {
        for (var i = 0; i < 3; i++)
        {
            await CallAsync("bad", $"2001:db8::{i + 1}");
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await CallAsync("bad", "[2001:db8::99]:4711")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync("bad", "2001:db8:0:1::1")).StatusCode);
    }

    private Task<HttpResponseMessage> CallAsync(string token, string client, string uri = "/x") =>
        _world.CallAsync(token, uri, change: r => r.Headers.TryAddWithoutValidation("X-Forwarded-For", client));

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(
            store, settings: BearerWorld.Settings(("bearer.failureThreshold", "3"), ("bearer.failurePenalty", "5s")));
    }
}
