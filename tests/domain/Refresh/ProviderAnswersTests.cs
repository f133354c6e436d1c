using EventAuth.Domain.Refresh;

namespace EventAuth.Domain.Tests.Refresh;

/// <summary>One bad client secret, one captive portal or one outage must not sign out ten thousand people.</summary>
public sealed class ProviderAnswersTests
{
    private static readonly string[] Dex = ["invalid_request"];
    private static readonly string[] Strict = ["userinfo_403", "http_404"];

    [Theory]
    [InlineData("tokens", 200, null, true, "Granted")]
    [InlineData("an error in a 200", 200, "invalid_grant", true, "Unavailable error_in_200")]
    [InlineData("a page of a captive portal", 200, null, false, "Unavailable not_json")]
    [InlineData("the grant is gone", 400, "invalid_grant", true, "Refused invalid_grant")]
    [InlineData("the grant is gone, with 401", 401, "invalid_grant", true, "Refused invalid_grant")]
    [InlineData("the grant is gone, with 403", 403, "invalid_grant", true, "Refused invalid_grant")]
    [InlineData("a bad client secret", 401, "invalid_client", true, "Misconfigured invalid_client")]
    [InlineData("a client without the grant", 400, "unauthorized_client", true, "Misconfigured unauthorized_client")]
    [InlineData("a grant type unknown to it", 400, "unsupported_grant_type", true, "Misconfigured unsupported_grant_type")]
    [InlineData("a scope unknown to it", 400, "invalid_scope", true, "Misconfigured invalid_scope")]
    [InlineData("a request it does not like", 400, "invalid_request", true, "Unavailable invalid_request")]
    [InlineData("an error it made up", 400, "hiccup", true, "Unavailable hiccup")]
    [InlineData("an error that is no code", 400, "a\r\nb", true, "Unavailable unreadable_error")]
    [InlineData("a page of a firewall", 403, null, false, "Unavailable http_403")]
    [InlineData("401 without a body", 401, null, false, "Unavailable http_401")]
    [InlineData("an error outside of JSON", 400, "invalid_grant", false, "Unavailable http_400")]
    [InlineData("too many requests", 429, null, false, "Unavailable http_429")]
    [InlineData("too many requests, whatever the body says", 429, "invalid_grant", true, "Unavailable http_429")]
    [InlineData("a broken server", 500, null, false, "Unavailable http_500")]
    [InlineData("a broken server, whatever the body says", 503, "invalid_grant", true, "Unavailable http_503")]
    [InlineData("a redirect", 301, null, false, "Unavailable http_301")]
    [InlineData("no content", 204, null, false, "Unavailable http_204")]
    public void The_token_endpoint_says(string what, int status, string? error, bool json, string expected)
    {
        Assert.NotEmpty(what);
        Assert.Equal(expected, Classify(ProviderEndpoint.Token, status, error, json));
    }

    [Theory]
    [InlineData("who it is", ProviderEndpoint.UserInfo, 200, null, true, "Granted")]
    [InlineData("an old access token", ProviderEndpoint.UserInfo, 401, "invalid_token", false, "AccessTokenRefused access_token_refused")]
    [InlineData("401 without a word", ProviderEndpoint.UserInfo, 401, null, false, "AccessTokenRefused access_token_refused")]
    [InlineData("a fresh access token is refused", ProviderEndpoint.UserInfoAfterRefresh, 401, "invalid_token", false, "Refused userinfo_401")]
    [InlineData("403 spends no refresh token", ProviderEndpoint.UserInfo, 403, "insufficient_scope", false, "Unavailable http_403")]
    [InlineData("a broken server", ProviderEndpoint.UserInfo, 502, null, false, "Unavailable http_502")]
    [InlineData("invalid_grant is not its word", ProviderEndpoint.UserInfo, 400, "invalid_grant", true, "Unavailable http_400")]
    public void Userinfo_says(string what, ProviderEndpoint endpoint, int status, string? error, bool json, string expected)
    {
        Assert.NotEmpty(what);
        Assert.Equal(expected, Classify(endpoint, status, error, json));
    }

    [Theory]
    [InlineData(400, "invalid_request", "Refused invalid_request")]
    [InlineData(400, "invalid_grant", "Refused invalid_grant")]
    [InlineData(500, "invalid_request", "Unavailable http_500")]
    [InlineData(400, "temporarily_unavailable", "Unavailable temporarily_unavailable")]
    public void An_IdP_can_have_words_of_its_own_for_a_grant_that_is_gone(int status, string error, string expected) =>
        Assert.Equal(expected, Classify(ProviderEndpoint.Token, status, error, json: true, Dex));

    [Theory]
    [InlineData(ProviderEndpoint.UserInfo, 403, "Refused userinfo_403")]
    [InlineData(ProviderEndpoint.UserInfoAfterRefresh, 403, "Refused userinfo_403")]
    [InlineData(ProviderEndpoint.Token, 403, "Unavailable http_403")]
    [InlineData(ProviderEndpoint.Token, 404, "Refused http_404")]
    [InlineData(ProviderEndpoint.UserInfo, 404, "Refused http_404")]
    [InlineData(ProviderEndpoint.UserInfo, 401, "AccessTokenRefused access_token_refused")]
    [InlineData(ProviderEndpoint.Token, 503, "Unavailable http_503")]
    public void An_operator_can_take_a_status_for_the_IdP_s_word(ProviderEndpoint endpoint, int status, string expected) =>
        Assert.Equal(expected, Classify(endpoint, status, null, json: false, Strict));

    [Fact]
    public void A_status_counts_only_where_no_error_code_says_what_it_means() =>
        Assert.Equal("Misconfigured invalid_client", Classify(ProviderEndpoint.Token, 401, "invalid_client", json: true, "http_401"));

    [Fact]
    public void What_an_operator_takes_out_ends_no_session()
    {
        var none = FatalErrors.Of([], ["invalid_grant", "userinfo_401"], []);
        Assert.Equal("invalid_grant", Assert.IsType<ProviderAnswer.Unavailable>(
            ProviderAnswers.Classify(new ProviderReply(400, "invalid_grant", true, ProviderEndpoint.Token, null), none)).Code);
        Assert.Equal("http_401", Assert.IsType<ProviderAnswer.Unavailable>(
            ProviderAnswers.Classify(new ProviderReply(401, null, false, ProviderEndpoint.UserInfoAfterRefresh, null), none)).Code);
    }

    [Fact]
    public void What_an_issuer_lists_itself_counts_there_whatever_is_taken_out_elsewhere() =>
        Assert.Subset(FatalErrors.Of([], ["invalid_grant"], ["invalid_grant"]), new HashSet<string> { "invalid_grant" });

    [Theory]
    [InlineData("invalid_request")]
    [InlineData("invalid_client")]
    [InlineData("userinfo_403")]
    [InlineData("http_403")]
    [InlineData("urn:idp:account-locked")]
    public void This_can_be_a_word_that_ends_sessions(string code) => Assert.Null(FatalErrors.Problem(code));

    // Whoever lists one of these would sign everybody out with the next outage.
    [Theory]
    [InlineData("timeout")]
    [InlineData("server_error")]
    [InlineData("temporarily_unavailable")]
    [InlineData("http_200")]
    [InlineData("http_408")]
    [InlineData("http_429")]
    [InlineData("http_503")]
    [InlineData("http_4xx")]
    [InlineData("userinfo_500")]
    [InlineData("a b")]
    public void This_cannot(string code) => Assert.NotNull(FatalErrors.Problem(code));

    [Fact]
    public void An_operator_can_let_a_bad_client_registration_end_sessions() =>
        Assert.Equal("Refused invalid_client", Classify(ProviderEndpoint.Token, 401, "invalid_client", json: true, ["invalid_client"]));

    [Fact]
    public void An_endpoint_that_was_forgotten_decides_nothing() =>
        Assert.Equal("Unavailable unspecified", Classify(ProviderEndpoint.Unspecified, 200, null, json: true));

    [Fact]
    public void How_long_to_wait_is_passed_on()
    {
        var reply = new ProviderReply(503, null, false, ProviderEndpoint.Token, TimeSpan.FromSeconds(7));

        Assert.Equal(TimeSpan.FromSeconds(7), Assert.IsType<ProviderAnswer.Unavailable>(ProviderAnswers.Classify(reply, FatalErrors.Default)).RetryAfter);
    }

    [Fact]
    public void Only_the_IdP_s_own_word_is_fatal()
    {
        Assert.True(new ProviderAnswer.Refused("invalid_grant").IsFatal);
        Assert.True(new ProviderAnswer.IdentityChanged("sub-changed").IsFatal);
        Assert.False(new ProviderAnswer.Granted().IsFatal);
        Assert.False(new ProviderAnswer.AccessTokenRefused().IsFatal);
        Assert.False(new ProviderAnswer.Misconfigured("invalid_client").IsFatal);
        Assert.False(new ProviderAnswer.Unavailable("timeout", null).IsFatal);
    }

    private static string Classify(ProviderEndpoint endpoint, int status, string? error, bool json, params string[] fatal)
    {
        var answer = ProviderAnswers.Classify(new ProviderReply(status, error, json, endpoint, null), FatalErrors.Of([], [], fatal));
        return $"{answer.GetType().Name} {answer.Error}".TrimEnd();
    }
}
