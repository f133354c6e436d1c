using System.Net;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Bearer;

/// <summary>Tokens that only their issuer can read (RFC 7662).</summary>
public sealed class IntrospectionTests(IntrospectionTests.Fixture fixture) : IClassFixture<IntrospectionTests.Fixture>, IDisposable
{
    private static int _made;
    private readonly World _world = fixture.World;
    private readonly string _token = $"opaque-{Interlocked.Increment(ref _made)}";

    private StubProvider Idp => _world.Idp;

    public void Dispose() => Idp?.Heal(StubEndpoint.Introspect);

    [StoreFact]
    public async Task The_issuer_is_asked_once_with_our_credentials_and_believed_for_a_while()
    {
        Answer(200, $$"""{"active":true,"sub":"alice","aud":"{{BearerWorld.Api}}","scope":"read"}""");
        var before = Asked;

        Assert.All(await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _world.StatusAsync(_token, "/scoped"))), s => Assert.Equal(HttpStatusCode.OK, s));

        Assert.Equal(before + 1, Asked);
        var request = Idp.Log.All.Last(r => r.Endpoint == StubEndpoint.Introspect);
        Assert.Equal(_token, request.Parameters["token"]);
        Assert.Equal("Basic " + Convert.ToBase64String("gate:s%3Acret"u8), request.Authorization);
    }

    // "active" must be JSON true: a library that reads text for a truth lets everybody in. The rest is checked like a token.
    [StoreTheory]
    [InlineData("""{"active":"true","sub":"alice","aud":"https://api.test"}""")]
    [InlineData("{}")]
    [InlineData("""{"active":false}""")]
    [InlineData("""{"active":true,"sub":"alice","aud":"https://other.test"}""")]
    [InlineData("""{"active":true,"sub":"alice"}""")]
    [InlineData("""{"active":true,"aud":"https://api.test"}""")]
    [InlineData("""{"active":true,"sub":"alice","aud":"https://api.test","iss":"https://evil.test"}""")]
    public async Task An_answer_that_does_not_say_yes_in_full_is_a_no(string answer)
    {
        Answer(200, answer);

        using var refused = await _world.CallAsync(_token);

        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Contains("invalid_token", refused.Challenge(), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task A_no_is_remembered_so_that_the_issuer_is_not_asked_for_every_request()
    {
        Answer(200, """{"active":false}""");
        var before = Asked;
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await _world.StatusAsync(_token));
        }

        Assert.Equal(before + 1, Asked);
    }

    // A gateway remembered "this token is good" together with what one place had demanded: every other place was open (oathkeeper,
    // GHSA-qvp4-rpmr-xwrr).
    [StoreFact]
    public async Task A_remembered_answer_is_judged_by_the_rule_of_each_request()
    {
        Answer(200, $$"""{"active":true,"sub":"alice","aud":"{{BearerWorld.Api}}","scope":"write"}""");

        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(_token));
        Assert.Equal(HttpStatusCode.Forbidden, await _world.StatusAsync(_token, "/scoped"));
        Assert.Equal(HttpStatusCode.Forbidden, await _world.StatusAsync(_token, "/admin"));
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(_token));
    }

    // 401 would make every program throw its good token away.
    [StoreTheory]
    [InlineData(500, "")]
    [InlineData(401, """{"error":"invalid_client"}""")]
    [InlineData(200, "<html>")]
    [InlineData(200, "[true]")]
    public async Task An_issuer_that_can_not_be_asked_is_503(int status, string body)
    {
        await RestedAsync();
        Answer(status, body);

        using var answer = await _world.CallAsync(_token);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Answer(200, $$"""{"active":true,"sub":"alice","aud":"{{BearerWorld.Api}}"}""");
        await Until.TrueAsync("it is asked again", async () => await _world.StatusAsync(_token) == HttpStatusCode.OK);
    }

    // Its issuer does not say since when it lives, so that a revocation hits it whenever it came.
    [StoreFact]
    public async Task Logging_the_person_out_stops_an_opaque_token_that_is_remembered_as_good()
    {
        Answer(200, $$"""{"active":true,"sub":"gone","aud":"{{BearerWorld.Api}}"}""");
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(_token));

        Assert.Equal(200, await Idp.SendLogoutTokenAsync(new Uri(_world.Logout.Public, "/backchannel-logout"), "gone", null, default));

        await Until.TrueAsync("it is refused", async () => await _world.StatusAsync(_token) == HttpStatusCode.Unauthorized);
    }

    [StoreTheory]
    [InlineData("with space")]
    [InlineData("quote\"")]
    [InlineData("=")]
    public async Task What_is_no_token_by_its_letters_is_shown_to_nobody(string text)
    {
        var before = Asked;
        Assert.Equal(HttpStatusCode.Unauthorized, await _world.StatusAsync(text));
        Assert.Equal(before, Asked);
    }

    private int Asked => Idp.Log.Count(StubEndpoint.Introspect);

    private void Answer(int status, string body)
    {
        Idp.Heal(StubEndpoint.Introspect);
        Idp.Always(StubEndpoint.Introspect, StubAnswer.Text(status, body));
    }

    // After a failure nobody asks for a second: another test's failure must not be this one's answer.
    private async Task RestedAsync()
    {
        Answer(200, """{"active":false}""");
        await Until.TrueAsync("it may be asked", async () => await _world.StatusAsync($"{_token}-{Interlocked.Increment(ref _made)}") == HttpStatusCode.Unauthorized);
    }

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, settings: BearerWorld.Settings(
            ("bearer.issuers.0.introspection.url", "{idp}/introspect"),
            ("bearer.issuers.0.introspection.clientId", "gate"),
            ("bearer.issuers.0.introspection.clientSecret", "s:cret"),
            ("bearer.failureThreshold", "0")));
    }
}
