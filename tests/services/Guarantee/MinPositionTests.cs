using System.Net;
using System.Text;
using System.Text.Json;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Guarantee;

/// <summary>X-Min-Position: whoever holds the position of a revocation is never answered by a replica that does not know of it.</summary>
public sealed class MinPositionTests(MinPositionTests.Fixture fixture) : IClassFixture<MinPositionTests.Fixture>
{
    private static readonly StubUser Root = new("root") { Groups = ["admins"] };
    private readonly World _world = fixture.World;

    // A document is taken from somebody and shared with others in the same second, while a replica is slow to hear of it.
    [StoreFact]
    public async Task A_position_used_at_once_at_every_replica_never_lets_the_revoked_session_in()
    {
        var root = await _world.SignInAsync(Root);
        foreach (var gateway in _world.Gateways)
        {
            Failpoints(gateway).Set(EventAuth.Adapters.Telemetry.Failpoints.FeedBeforeApply, () => Task.Delay(200));
        }

        var stale = 0;
        for (var i = 0; i < 5; i++)
        {
            var alice = await _world.SignInAsync(new StubUser("alice"));
            await Task.WhenAll(_world.Gateways.Select((_, g) => alice.CallAsync("/x", g)));
            var position = await RevokeAsync(root);
            var answers = await Task.WhenAll(_world.Gateways.Select((_, g) => Task.WhenAll(AskAsync(alice, $"{position}", g), AskAsync(alice, null, g))));
            Assert.All(answers, a => Assert.Equal(HttpStatusCode.Unauthorized, a[0].StatusCode));
            stale += answers.Count(a => a[1].StatusCode == HttpStatusCode.OK);
        }

        // Without the header some of them were still let in: there was a race to be lost.
        Assert.True(stale > 0);
        foreach (var gateway in _world.Gateways)
        {
            Failpoints(gateway).Set(EventAuth.Adapters.Telemetry.Failpoints.FeedBeforeApply, null);
        }
    }

    [StoreFact]
    public async Task A_position_that_is_not_reached_is_answered_with_503_whether_it_does_not_exist_or_cannot_be_read()
    {
        var alice = await _world.SignInAsync(new StubUser("waiting"));
        await NotReachedAsync(await AskAsync(alice, "1000000"));

        var (failpoints, held) = (Failpoints(_world.Gateways[0]), new TaskCompletionSource());
        failpoints.Set(EventAuth.Adapters.Telemetry.Failpoints.FeedBeforeRead, () => held.Task);
        await NotReachedAsync(await AskAsync(alice, "1000000").WaitAsync(TimeSpan.FromSeconds(4)));
        failpoints.Set(EventAuth.Adapters.Telemetry.Failpoints.FeedBeforeRead, null);
        held.SetResult();
    }

    [StoreFact]
    public async Task A_position_that_is_reached_changes_nothing()
    {
        var root = await _world.SignInAsync(Root);
        var (alice, position) = (await _world.SignInAsync(new StubUser("bystander")), await RevokeAsync(root));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(alice, $"{position}")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(alice, "1")).StatusCode);
    }

    [StoreTheory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("+5")]
    [InlineData("1.5")]
    [InlineData("1,2")]
    [InlineData("now")]
    [InlineData("99999999999999999999")]
    public async Task Anything_but_a_positive_whole_number_is_refused(string text)
    {
        var alice = await _world.SignInAsync(new StubUser("malformed"));
        var answer = await AskAsync(alice, text);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("malformed-position", (await JsonAsync(answer)).GetProperty("error").GetString());
    }

    [StoreFact]
    public async Task Given_twice_it_is_refused()
    {
        var alice = await _world.SignInAsync(new StubUser("twice"));
        var answer = await alice.VerifyAsync("/x", change: r => r.Headers.Add("X-Min-Position", ["1", "1"]));
        Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{answer.StatusCode}");
    }

    [StoreFact]
    public async Task Where_the_rule_alone_decides_or_nobody_is_signed_in_it_changes_nothing()
    {
        var alice = await _world.SignInAsync(new StubUser("public"));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(alice, "nonsense", uri: "/public/x")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(alice, "1000000", uri: "/public/x")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync(_world.NewBrowser(), "1000000")).StatusCode);
    }

    private static Failpoints Failpoints(ServiceUnderTest gateway) => gateway.Services.GetRequiredService<Failpoints>();

    private static async Task NotReachedAsync(HttpResponseMessage answer)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal("position-not-reached", (await JsonAsync(answer)).GetProperty("error").GetString());
    }

    private static Task<HttpResponseMessage> AskAsync(Browser browser, string? position, int gateway = 0, string uri = "/x") =>
        browser.VerifyAsync(uri, gateway, r =>
        {
            r.Headers.Remove("Accept");
            r.Headers.Add("Accept", "application/json");
            if (position is not null)
            {
                r.Headers.Add("X-Min-Position", position);
            }
        });

    private async Task<long> RevokeAsync(Browser root)
    {
        var body = new StringContent("{\"reason\":\"test\"}", Encoding.UTF8, "application/json");
        var answer = await root.OwnAsync(HttpMethod.Post, $"/api/subjects/{new Subject(_world.Idp.Issuer, "alice").Key}/revoke", body);
        return (await JsonAsync(answer)).GetProperty("position").GetInt64();
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer) =>
        JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;

    public sealed class Fixture : WorldFixture
    {
        internal override async Task<World> StartAsync(TestStore store)
        {
            var world = await World.StartAsync(store, gateways: 3);
            world.Idp.SignInAs(new StubUser("alice"));
            await world.NewBrowser().OpenAsync("/x");
            return world;
        }
    }
}
