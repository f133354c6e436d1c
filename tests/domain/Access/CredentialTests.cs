using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

/// <summary>
/// A request that brings a cookie and an access token. A gateway that falls back from one to the other lets a page of an
/// attacker ride on the victim's cookie with a token of its own, or a revoked person go on with the other credential.
/// </summary>
public sealed class CredentialTests
{
    private static readonly AccessPolicy Policy = AccessSpec.Policy(
        AccessSpec.Public("/public"),
        AccessSpec.Restricted("/admin") with { Groups = ["admins"] },
        AccessSpec.Authenticated("/api") with { Scopes = ["read", "write"] },
        AccessSpec.Restricted("/closed") with { Access = AccessLevel.Deny },
        AccessSpec.Authenticated("/app"));

    private static readonly Identity Alice = AccessSpec.Person("alice");
    private static readonly Identity Bob = AccessSpec.Person("bob");

    [Theory]
    [InlineData("no cookie", "none", "allow", "invalid-token", "unavailable")]
    [InlineData("a cookie of the same person", "alice", "allow", "invalid-token", "unavailable")]
    [InlineData("a cookie of somebody else", "bob", "credential-mismatch", "invalid-token", "unavailable")]
    [InlineData("a cookie whose session somebody ended, of the same person", "alice-ended", "invalid-token", "invalid-token", "unavailable")]
    [InlineData("a cookie whose session somebody ended, of somebody else", "bob-ended", "allow", "invalid-token", "unavailable")]
    [InlineData("a cookie whose session has expired", "expired", "allow", "invalid-token", "unavailable")]
    [InlineData("a cookie of which we know nothing", "unknown", "unavailable", "invalid-token", "unavailable")]
    public void Both_must_hold_and_be_of_one_person(string sentence, string session, string good, string bad, string unknown)
    {
        Assert.Equal((sentence, good), (sentence, Ask("/app", session, TokenStanding.Valid(Alice, []))));
        Assert.Equal((sentence, bad), (sentence, Ask("/app", session, TokenStanding.Refused)));
        Assert.Equal((sentence, unknown), (sentence, Ask("/app", session, TokenStanding.Unknown)));
    }

    [Theory]
    [InlineData("/public", "allow", "public", "public")]
    [InlineData("/closed", "closed-by-rule", "closed-by-rule", "closed-by-rule")]
    [InlineData("/", "no-rule", "no-rule", "no-rule")]
    [InlineData("/admin", "not-allowed", "invalid-token", "unavailable")]
    public void What_the_rules_say_about_the_place_comes_first(string uri, string good, string bad, string unknown)
    {
        Assert.Equal(good, Ask(uri, "none", TokenStanding.Valid(Alice, [])));
        Assert.Equal(bad, Ask(uri, "none", TokenStanding.Refused));
        Assert.Equal(unknown, Ask(uri, "none", TokenStanding.Unknown));
        Assert.Equal(unknown, Ask(uri, "none", default));
    }

    [Theory]
    [InlineData("read write more", "allow")]
    [InlineData("read", "insufficient-scope")]
    [InlineData("READ WRITE", "insufficient-scope")]
    [InlineData("", "insufficient-scope")]
    public void A_token_needs_every_scope_of_the_rule(string scopes, string expected) =>
        Assert.Equal(expected, Ask("/api", "none", TokenStanding.Valid(Alice, scopes.Split(' '))));

    [Fact]
    public void A_session_needs_no_scope() =>
        Assert.IsType<AccessDecision.Allow>(AccessSpec.Ask(Policy, "/api", SessionStanding.Valid(Alice)));

    [Fact]
    public void Groups_of_a_token_open_what_groups_open() => Assert.Equal(
        "allow", Ask("/admin", "none", TokenStanding.Valid(AccessSpec.Person("root", groups: ["admins"]), [])));

    // What the cookie's session may do must not widen what the token may.
    [Fact]
    public void Of_two_credentials_of_one_person_the_tokens_groups_count() => Assert.Equal(
        "not-allowed", Decide("/admin", SessionStanding.Valid(AccessSpec.Person("alice", groups: ["admins"])), TokenStanding.Valid(Alice, [])));

    [Fact]
    public void A_request_that_was_never_parsed_is_malformed() => Assert.IsType<AccessDecision.Deny>(
        AccessDecider.Decide(default, SessionStanding.None, TokenStanding.Valid(Alice, []), Policy));

    [Fact]
    public void Scopes_where_nothing_looks_at_them_stop_the_start()
    {
        Assert.NotEmpty(AccessSpec.Errors(AccessSpec.Public("/") with { Scopes = ["read"] }));
        Assert.NotEmpty(AccessSpec.Errors(AccessSpec.Authenticated("/") with { Scopes = ["two words"] }));
        Assert.Empty(AccessSpec.Errors(AccessSpec.Authenticated("/") with { Scopes = ["api:read"] }));
    }

    private static string Ask(string uri, string session, in TokenStanding token) => Decide(uri, session switch
    {
        "none" => SessionStanding.None,
        "alice" => SessionStanding.Valid(Alice),
        "bob" => SessionStanding.Valid(Bob),
        "alice-ended" => SessionStanding.EndedOf(Alice.SubjectKey),
        "bob-ended" => SessionStanding.EndedOf(Bob.SubjectKey),
        "expired" => SessionStanding.Ended,
        "unknown" => SessionStanding.Unknown,
        _ => throw new ArgumentOutOfRangeException(nameof(session), session, "no such session"),
    }, token);

    private static string Decide(string uri, SessionStanding session, in TokenStanding token) =>
        AccessDecider.Decide(AccessSpec.Request(uri), session, token, Policy) switch
        {
            AccessDecision.Allow => "allow",
            AccessDecision.AllowPublic => "public",
            AccessDecision.InvalidToken => "invalid-token",
            AccessDecision.InsufficientScope => "insufficient-scope",
            AccessDecision.Unavailable => "unavailable",
            AccessDecision.Deny denied => denied.Reason.Id(),
            var other => other.ToString(),
        };
}
