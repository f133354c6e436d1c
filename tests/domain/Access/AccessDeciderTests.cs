using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

public sealed class AccessDeciderTests
{
    private static readonly AccessPolicy Policy = AccessSpec.Policy(
        AccessSpec.Public("/public"),
        AccessSpec.Restricted("/admin") with { Groups = ["admins"] },
        AccessSpec.Restricted("/closed") with { Access = AccessLevel.Deny },
        AccessSpec.Authenticated("/app"));

    private static readonly Identity Member = AccessSpec.Person("alice");
    private static readonly Identity Admin = AccessSpec.Person("root", groups: ["admins"]);

    [Theory]
    [InlineData("An open place, nobody", "/public", "none", "public")]
    [InlineData("An open place, somebody", "/public", "member", "allow")]
    [InlineData("An open place, after the session", "/public", "ended", "public")]
    [InlineData("An open place, while we know nothing", "/public", "unknown", "public")]
    [InlineData("A place for everybody we know, nobody", "/app", "none", "sign-in")]
    [InlineData("A place for everybody we know, somebody", "/app", "member", "allow")]
    [InlineData("A place for everybody we know, after the session", "/app", "ended", "sign-in")]
    [InlineData("A place for everybody we know, while we know nothing", "/app", "unknown", "unavailable")]
    [InlineData("A place for some, nobody", "/admin", "none", "sign-in")]
    [InlineData("A place for some, one of them", "/admin", "admin", "allow")]
    [InlineData("A place for some, somebody else", "/admin", "member", "not-allowed")]
    [InlineData("A place for some, after the session", "/admin", "ended", "sign-in")]
    [InlineData("A place for some, while we know nothing", "/admin", "unknown", "unavailable")]
    [InlineData("A closed place, nobody", "/closed", "none", "closed-by-rule")]
    [InlineData("A closed place, somebody", "/closed", "admin", "closed-by-rule")]
    [InlineData("A closed place, while we know nothing", "/closed", "unknown", "closed-by-rule")]
    [InlineData("No rule, nobody", "/", "none", "no-rule")]
    [InlineData("No rule, somebody", "/", "admin", "no-rule")]
    [InlineData("No rule, while we know nothing", "/", "unknown", "no-rule")]
    [InlineData("What was never set is unknown", "/app", "default", "unavailable")]
    public void A_navigation_gets(string sentence, string uri, string session, string expected)
    {
        var decision = AccessSpec.Ask(Policy, uri, Standing(session));

        Assert.True(expected == Name(decision), $"{sentence}: {decision}");
    }

    // A redirect to a login page breaks everything that is no navigation: XHR dies on CORS, a lost POST would be repeated
    // as GET, a preflight or handshake must not be redirected at all. A kind that was not looked at is treated like them.
    [Theory]
    [InlineData(RequestKind.Api)]
    [InlineData(RequestKind.Preflight)]
    [InlineData(RequestKind.WebSocket)]
    [InlineData(RequestKind.EventStream)]
    [InlineData(RequestKind.Unspecified)]
    [InlineData((RequestKind)99)]
    public void Nothing_but_a_navigation_is_sent_to_sign_in(RequestKind kind)
    {
        foreach (var uri in new[] { "/app", "/admin" })
        {
            Assert.Equal("unauthenticated", Name(AccessSpec.Ask(Policy, uri, SessionStanding.None, kind)));
            Assert.Equal("unauthenticated", Name(AccessSpec.Ask(Policy, uri, SessionStanding.Ended, kind)));
            Assert.Equal("unavailable", Name(AccessSpec.Ask(Policy, uri, SessionStanding.Unknown, kind)));
            Assert.Equal("allow", Name(AccessSpec.Ask(Policy, uri, SessionStanding.Valid(Admin), kind)));
        }
    }

    [Fact]
    public void A_request_that_was_never_parsed_is_malformed() =>
        Assert.Equal(
            "malformed-request",
            Name(AccessDecider.Decide(default, RequestKind.Navigation, SessionStanding.Valid(Admin), Policy)));

    [Fact]
    public void A_host_without_rules_is_denied_before_anybody_is_asked_to_sign_in() =>
        Assert.Equal("no-rule", Name(AccessSpec.Ask(Policy, "/app", SessionStanding.None, host: "other.example.test")));

    [Fact]
    public void Every_reason_has_an_id_of_its_own()
    {
        var reasons = Enum.GetValues<DenyReason>();

        Assert.Equal(reasons.Length, reasons.Select(r => r.Id()).Distinct().Count());
        Assert.All(reasons, r => Assert.Matches("^[a-z]+(-[a-z]+)*$", r.Id()));
        Assert.All(reasons, r => Assert.Equal(r, AccessDecision.Deny.Because(r).Reason));
        Assert.Equal(DenyReason.Unspecified, AccessDecision.Deny.Because((DenyReason)99).Reason);
        Assert.Equal(DenyReason.Unspecified, AccessDecision.Deny.Because((DenyReason)(-1)).Reason);
    }

    private static SessionStanding Standing(string name) => name switch
    {
        "none" => SessionStanding.None,
        "ended" => SessionStanding.Ended,
        "unknown" => SessionStanding.Unknown,
        "member" => SessionStanding.Valid(Member),
        "admin" => SessionStanding.Valid(Admin),
        "default" => default,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such standing"),
    };

    private static string Name(AccessDecision decision) => decision switch
    {
        AccessDecision.Allow => "allow",
        AccessDecision.AllowPublic => "public",
        AccessDecision.SignIn => "sign-in",
        AccessDecision.Unauthenticated => "unauthenticated",
        AccessDecision.Unavailable => "unavailable",
        AccessDecision.Deny denied => denied.Reason.Id(),
        _ => throw new ArgumentOutOfRangeException(nameof(decision), decision, "no such decision"),
    };
}
