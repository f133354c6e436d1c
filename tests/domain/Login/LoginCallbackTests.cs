using EventAuth.Domain.Login;

namespace EventAuth.Domain.Tests.Login;

/// <summary>The IdP's answer through the browser: anybody can make a browser send anything here.</summary>
public sealed class LoginCallbackTests
{
    private const string Issuer = "https://op.example.test";

    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly LoginAttempt Attempt = new(Issuer, "n-1", "secret-verifier", "https://app.example.test/", 7, Noon);

    [Fact]
    public void A_code_with_its_state_is_exchanged() =>
        Assert.Equal(new CallbackOutcome.Proceed("c-1"), Check(Answer(["s-1"], ["c-1"], [Issuer], [])));

    [Fact]
    public void An_error_is_the_word_of_the_IdP() =>
        Assert.Equal(
            new CallbackOutcome.ProviderError("access_denied", "no thanks"),
            Check(Answer(["s-1"], [], [Issuer], ["access_denied"]) with { ErrorDescription = ["no thanks"] }));

    [Theory]
    [InlineData("state is missing", new string[0], new[] { "c" }, new string[0], "state")]
    [InlineData("state is empty", new[] { "" }, new[] { "c" }, new string[0], "state")]
    [InlineData("state comes twice", new[] { "s", "s" }, new[] { "c" }, new string[0], "state")]
    [InlineData("code is missing", new[] { "s" }, new string[0], new string[0], "code")]
    [InlineData("code is empty", new[] { "s" }, new[] { "" }, new string[0], "code")]
    [InlineData("code comes twice", new[] { "s" }, new[] { "c", "c" }, new string[0], "code")]
    [InlineData("there are a code and an error", new[] { "s" }, new[] { "c" }, new[] { "access_denied" }, "code")]
    [InlineData("error comes twice", new[] { "s" }, new string[0], new[] { "a", "b" }, "code")]
    public void It_is_refused_when(string reason, string[] state, string[] code, string[] error, string rule)
    {
        Assert.NotEmpty(reason);
        Assert.Equal(rule, RuleOf(Check(Answer(state, code, [Issuer], error))));
    }

    [Theory]
    [InlineData(new string[0], false, "")]
    [InlineData(new string[0], true, "iss-missing")]
    [InlineData(new[] { Issuer }, true, "")]
    [InlineData(new[] { Issuer }, false, "")]
    [InlineData(new[] { "https://evil.example.test" }, false, "iss")]
    [InlineData(new[] { Issuer + "/" }, true, "iss")]
    [InlineData(new[] { "" }, false, "iss")]
    [InlineData(new[] { Issuer, Issuer }, true, "iss-twice")]
    public void The_issuer_is_compared_when_present_and_required_when_advertised(string[] issuer, bool required, string rule)
    {
        // Mix-up (RFC 9700 4.4): a second IdP gets the browser to bring its code, or an error, to the login at the first.
        Assert.Equal(rule, RuleOf(LoginCallback.Check(Answer(["s-1"], ["c-1"], issuer, []), Attempt, required, Noon)));
        Assert.Equal(rule, RuleOf(LoginCallback.Check(Answer(["s-1"], [], issuer, ["access_denied"]), Attempt, required, Noon)));
    }

    [Theory]
    [InlineData(10 * 60, "")]
    [InlineData((10 * 60) + 1, "attempt-expired")]
    public void A_login_takes_at_most_ten_minutes(int seconds, string rule) =>
        Assert.Equal(rule, RuleOf(LoginCallback.Check(
            Answer(["s-1"], ["c-1"], [], []), Attempt, issuerRequired: false, Noon.AddSeconds(seconds))));

    [Theory]
    [InlineData(256, true)]
    [InlineData(257, false)]
    public void A_state_has_at_most_256_characters(int length, bool expected) =>
        Assert.Equal(expected, LoginCallback.TryState(Answer([new string('s', length)], [], [], []), out _));

    [Fact]
    public void A_code_too_long_to_be_one_is_refused() =>
        Assert.Equal("code", RuleOf(Check(Answer(["s"], [new string('c', 4097)], [], []))));

    [Fact]
    public void Text_of_the_IdP_is_cut_and_cleaned()
    {
        // error_description=<script>…, 10 kB, with line breaks: what is left is short and printable, and still to be escaped.
        var answer = Answer(["s"], [], [], ["x\r\nSet-Cookie: a"]) with
        {
            ErrorDescription = ["\r\n\"<b>\\é" + new string('x', 10_000)],
        };

        var error = Assert.IsType<CallbackOutcome.ProviderError>(Check(answer));

        Assert.Equal("unreadable_error", error.Error);
        Assert.StartsWith("   <b>  x", error.Description, StringComparison.Ordinal);
        Assert.Equal(200, error.Description!.Length);
    }

    [Fact]
    public void The_challenge_is_the_hash_of_the_verifier() =>
        Assert.Equal("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", Pkce.Challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));

    [Fact]
    public void An_attempt_shows_no_secret_in_text()
    {
        Assert.DoesNotContain("secret-verifier", $"{Attempt}", StringComparison.Ordinal);
        Assert.DoesNotContain("n-1", $"{Attempt}", StringComparison.Ordinal);
        Assert.DoesNotContain("c-1", $"{new CallbackOutcome.Proceed("c-1")}", StringComparison.Ordinal);
    }

    private static CallbackOutcome Check(CallbackParameters parameters) =>
        LoginCallback.Check(parameters, Attempt, issuerRequired: false, Noon);

    private static CallbackParameters Answer(string[] state, string[] code, string[] issuer, string[] error) =>
        new(state, code, issuer, error, []);

    private static string RuleOf(CallbackOutcome outcome) => outcome is CallbackOutcome.Refused refused ? refused.Rule : "";
}
