using System.Text;
using EventAuth.Adapters.Oidc;
using EventAuth.Domain.Refresh;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>The conversation with an IdP that does not behave, or with whatever answers in its place.</summary>
public sealed class ProviderFaultTests
{
    private const string Portal = "<html>please sign in to the network</html>";

    public static TheoryData<string, string> Answers => new()
    {
        { "a page of a captive portal", "Unavailable not_json" },
        { "a page said to be JSON", "Unavailable not_json" },
        { "tokens not said to be JSON", "Unavailable not_json" },
        { "a list", "Unavailable not_json" },
        { "members twice", "Unavailable not_json" },
        { "an error in a 200", "Unavailable error_in_200" },
        { "an error that is no text", "Unavailable error_in_200" },
        { "no access token", "Unavailable no_tokens" },
        { "a token of another type", "Unavailable no_tokens" },
        { "a redirect", "Unavailable http_301" },
        { "a broken server", "Unavailable http_500" },
        { "too many requests", "Unavailable http_429" },
        { "a page of a firewall", "Unavailable http_403" },
        { "401 without a body", "Unavailable http_401" },
        { "a hundred megabytes", "Unavailable too_large" },
        { "a bomb", "Unavailable too_large" },
        { "broken compression", "Unavailable undecodable" },
        { "half an answer", "Unavailable truncated" },
        { "a bad client secret", "Misconfigured invalid_client" },
        { "a request it does not like", "Unavailable invalid_request" },
        { "the grant is gone", "Refused invalid_grant" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task A_refresh_is_answered_by(string what, string expected)
    {
        await using var session = await StubSession.StartAsync();
        session.Idp.Script(StubEndpoint.Token, AnswerOf(what));

        var result = await session.RefreshAsync("rt-1");

        Assert.Equal(expected, $"{result.Answer.GetType().Name} {result.Answer.Error}");
        Assert.Equal(1, session.Idp.Log.Count(StubEndpoint.Token));
        Assert.Equal(0, session.Idp.Log.Count(StubEndpoint.None));
    }

    [Theory]
    [InlineData("a page of a captive portal", "Unavailable not_json")]
    [InlineData("a broken server", "Unavailable http_500")]
    [InlineData("a page of a firewall", "Unavailable http_403")]
    [InlineData("401 without a body", "AccessTokenRefused access_token_refused")]
    [InlineData("half an answer", "Unavailable truncated")]
    [InlineData("no access token", "Unavailable sub_missing")]
    public async Task Userinfo_is_answered_by(string what, string expected)
    {
        await using var session = await StubSession.StartAsync();
        session.Idp.Script(StubEndpoint.UserInfo, AnswerOf(what));

        var result = await session.Client.UserInfoAsync("at", "alice", afterRefresh: false, StubSession.Patience, default);

        Assert.Equal(expected, $"{result.Answer.GetType().Name} {result.Answer.Error}");
    }

    [Fact]
    public async Task Userinfo_about_somebody_else_is_a_changed_identity()
    {
        await using var session = await StubSession.StartAsync();
        session.Idp.Script(StubEndpoint.UserInfo, StubAnswer.Json(200, new { sub = "Alice" }));

        var result = await session.Client.UserInfoAsync("at", "alice", afterRefresh: false, StubSession.Patience, default);

        Assert.Equal(new ProviderAnswer.IdentityChanged("sub-changed"), result.Answer);
    }

    [Fact]
    public async Task A_refresh_for_another_person_is_a_changed_identity()
    {
        await using var session = await StubSession.StartAsync();
        var tokens = await session.TokensAsync();

        var result = await session.Client.RefreshAsync(tokens.RefreshToken!, "bob", StubSession.Patience, default);

        Assert.Equal(new ProviderAnswer.IdentityChanged("sub-changed"), result.Answer);
    }

    [Theory]
    [InlineData("""{"access_token":"at","token_type":"bEARER"}""", 300)]
    [InlineData("""{"access_token":"at","token_type":"Bearer","expires_in":60}""", 60)]
    [InlineData("""{"access_token":"at","token_type":"Bearer","expires_in":"60"}""", 60)]
    [InlineData("""{"access_token":"at","token_type":"Bearer","expires_in":0}""", 300)]
    [InlineData("""{"access_token":"at","token_type":"Bearer","expires_in":-5}""", 300)]
    [InlineData("""{"access_token":"at","token_type":"Bearer","expires_in":null}""", 300)]
    [InlineData("""{"access_token":"at","token_type":"Bearer","expires_in":1e300}""", 30 * 24 * 3600)]
    public async Task A_lifetime_is_what_the_IdP_says_within_reason(string body, int seconds)
    {
        await using var session = await StubSession.StartAsync();
        session.Idp.Script(StubEndpoint.Token, StubAnswer.Text(200, body));

        var renewed = Assert.IsType<RefreshResult.Renewed>(await session.RefreshAsync("rt-1"));

        Assert.Equal(session.Clock.GetUtcNow().AddSeconds(seconds), renewed.Tokens.AccessExpiresAt);
        Assert.Equal("rt-1", renewed.Tokens.RefreshToken);
        Assert.Null(renewed.Claims);
    }

    [Fact]
    public async Task Silence_ends_after_the_time_limit()
    {
        await using var session = await StubSession.StartAsync();
        session.Idp.Script(StubEndpoint.Token, StubAnswer.Hang());

        var result = await session.TimeOutAsync(StubEndpoint.Token, () => session.RefreshAsync("rt-1"));

        Assert.Equal(new ProviderAnswer.Unavailable("timeout", null), result.Answer);
    }

    [Fact]
    public async Task A_caller_who_gives_up_is_not_told_of_a_time_out()
    {
        await using var session = await StubSession.StartAsync();
        session.Idp.Script(StubEndpoint.Token, StubAnswer.Hang());
        using var gone = new CancellationTokenSource();
        var refreshing = session.Client.RefreshAsync("rt-1", "alice", StubSession.Patience, gone.Token);

        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => refreshing);
    }

    [Fact]
    public async Task How_long_to_wait_is_passed_on_within_reason()
    {
        await using var session = await StubSession.StartAsync();
        session.Idp.Script(StubEndpoint.Token, Waiting("7"), Waiting("999999999"), Waiting("soon"));

        Assert.Equal(new ProviderAnswer.Unavailable("http_503", TimeSpan.FromSeconds(7)), (await session.RefreshAsync("rt")).Answer);
        Assert.Equal(new ProviderAnswer.Unavailable("http_503", TimeSpan.FromHours(1)), (await session.RefreshAsync("rt")).Answer);
        Assert.Equal(new ProviderAnswer.Unavailable("http_503", null), (await session.RefreshAsync("rt")).Answer);

        static StubAnswer Waiting(string value) =>
            StubAnswer.Empty(503) with { Headers = new Dictionary<string, string> { ["Retry-After"] = value } };
    }

    [Fact]
    public async Task A_rotated_token_is_not_lost_because_keys_can_t_be_had()
    {
        // The IdP has used up the old refresh token: dropping the answer would end the session at the next try.
        await using var session = await StubSession.StartAsync();
        var tokens = await session.TokensAsync();
        session.Idp.RotateKeys(keepOld: false);
        session.Idp.Always(StubEndpoint.Keys, StubAnswer.Empty(503));

        var renewed = Assert.IsType<RefreshResult.Renewed>(await session.RefreshAsync(tokens.RefreshToken));

        Assert.NotEqual(tokens.RefreshToken, renewed.Tokens.RefreshToken);
        Assert.Null(renewed.Tokens.IdToken);
        Assert.Null(renewed.Claims);
    }

    [Fact]
    public async Task A_login_waits_for_keys_and_a_logout_token_too()
    {
        await using var session = await StubSession.StartAsync();
        session.Idp.Always(StubEndpoint.Keys, StubAnswer.Empty(503));

        Assert.Equal("http_503", Assert.IsType<CodeExchange.Failed>(await session.SignInAsync()).Answer.Error);
        Assert.IsType<LogoutTokenCheck.KeysUnavailable>(
            await session.Directory.CheckLogoutTokenAsync(session.Idp.LogoutToken("alice", null), default));
    }

    [Fact]
    public async Task An_IdP_that_is_not_there_is_a_connection_error()
    {
        await using var session = await StubSession.StartAsync();
        await session.TokensAsync();
        await session.Idp.DisposeAsync();

        Assert.Equal(new ProviderAnswer.Unavailable("connection", null), (await session.RefreshAsync("rt")).Answer);
    }

    [Fact]
    public async Task This_IdP_s_own_fatal_errors_end_sessions()
    {
        await using var session = await StubSession.StartAsync(change: s => s with { FatalErrors = new HashSet<string> { "invalid_request" } });
        session.Idp.Script(StubEndpoint.Token, StubAnswer.Error("invalid_request"));

        Assert.Equal(new ProviderAnswer.Refused("invalid_request"), (await session.RefreshAsync("rt")).Answer);
    }

    private static StubAnswer AnswerOf(string what) => what switch
    {
        "a page of a captive portal" => StubAnswer.Text(200, Portal, "text/html"),
        "a page said to be JSON" => StubAnswer.Text(200, Portal),
        "tokens not said to be JSON" => StubAnswer.Text(200, """{"access_token":"at","token_type":"Bearer"}""", "text/plain"),
        "a list" => StubAnswer.Text(200, """[{"access_token":"at","token_type":"Bearer"}]"""),
        "members twice" => StubAnswer.Text(200, """{"access_token":"at","access_token":"bt","token_type":"Bearer"}"""),
        "an error in a 200" => StubAnswer.Error("invalid_grant", 200),
        "an error that is no text" => StubAnswer.Text(200, """{"error":{},"access_token":"at","token_type":"Bearer"}"""),
        "no access token" => StubAnswer.Text(200, """{"token_type":"Bearer"}"""),
        "a token of another type" => StubAnswer.Text(200, """{"access_token":"at","token_type":"mac"}"""),
        "a redirect" => StubAnswer.Redirect("/elsewhere"),
        "a broken server" => StubAnswer.Text(500, "oops", "text/plain"),
        "too many requests" => StubAnswer.Error("invalid_grant", 429),
        "a page of a firewall" => StubAnswer.Text(403, Portal, "text/html"),
        "401 without a body" => StubAnswer.Empty(401),
        "a hundred megabytes" => new StubAnswer(200, new byte[100_000_000]),
        "a bomb" => StubAnswer.Bomb(100_000_000),
        "broken compression" => new StubAnswer(200, Encoding.ASCII.GetBytes("not gzip"))
        {
            Headers = new Dictionary<string, string> { ["Content-Encoding"] = "gzip" },
        },
        "half an answer" => StubAnswer.Text(200, """{"access_token":"at","token_type":"Bearer"}""") with { Truncated = true },
        "a bad client secret" => StubAnswer.Error("invalid_client", 401),
        "a request it does not like" => StubAnswer.Error("invalid_request"),
        "the grant is gone" => StubAnswer.Error("invalid_grant"),
        _ => throw new ArgumentOutOfRangeException(nameof(what)),
    };
}
