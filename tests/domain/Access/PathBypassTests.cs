using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

/// <summary>
/// Everything below <c>/public</c> and <c>/health</c> is open, all else wants a session, and none is there: whatever a path
/// looks like, it must not become one of the open ones (CVE-2026-40575, CVE-2026-41059, CVE-2025-54576, CVE-2021-32637).
/// </summary>
public sealed class PathBypassTests
{
    private static readonly AccessPolicy Policy = AccessSpec.Policy(
        AccessSpec.Public("/public"), AccessSpec.Public("/health"), AccessSpec.Authenticated());

    [Theory]
    [InlineData("The secret itself", "/secret")]
    [InlineData("Up and out of the open folder", "/public/../secret")]
    [InlineData("Up by an escaped slash", "/public/..%2fsecret")]
    [InlineData("Up by escaped dots", "/public/%2e%2e/secret")]
    [InlineData("Up by escaped dots and slash", "/public/%2e%2e%2fsecret")]
    [InlineData("Up with a parameter that some servers cut off", "/public/..;/secret")]
    [InlineData("Up behind a parameter", "/public;/../secret")]
    [InlineData("Up behind an empty parameter", "/public/;/../secret")]
    [InlineData("Only escaped slashes", "/public%2f..%2fsecret")]
    [InlineData("Backslashes", "/public\\..\\secret")]
    [InlineData("Escaped backslashes", "/public/%5c..%5csecret")]
    [InlineData("A doubled slash that may be merged or not", "//public/../secret")]
    [InlineData("A dot segment first", "/./public/../secret")]
    [InlineData("Dots escaped twice", "/public/%252e%252e/secret")]
    [InlineData("Overlong dots", "/public/%c0%ae%c0%ae/secret")]
    [InlineData("Dots around a NUL", "/public/.%00./secret")]
    [InlineData("Capitals", "/PUBLIC/x")]
    [InlineData("A longer segment with a dot", "/public.evil")]
    [InlineData("A longer segment", "/publicx")]
    [InlineData("The open path as query", "/secret?/public/")]
    [InlineData("The open path in the query", "/secret?x=/public/a")]
    [InlineData("The open path as fragment", "/secret#/public/")]
    [InlineData("The open path behind an escaped number sign", "/secret%23/public/")]
    [InlineData("The open path behind an escaped question mark", "/secret%3f/public/")]
    [InlineData("The open path on a second line", "/secret%0a/public/x")]
    [InlineData("The open path behind a line break", "/secret/%0d%0a/public/x")]
    [InlineData("Out of an exact path", "/health/../secret")]
    [InlineData("Out of an exact path by escaped slashes", "/health%2f..%2fsecret")]
    [InlineData("A longer word", "/healthx")]
    [InlineData("An absolute URI", "http://evil/public/x")]
    [InlineData("A host where some read a path", "//public/secret")]
    [InlineData("Into the open folder, for servers that resolve nothing", "/secret/../public/x")]
    [InlineData("Into it by escaped dots", "/secret/%2e%2e/public/x")]
    [InlineData("A parameter that makes the open name, for servers that know none", "/public;x=1/a")]
    [InlineData("A folder that the name of the open one only begins with a parameter", "/public;/secret")]
    [InlineData("An escaped slash that makes the open folder, for servers that keep it", "/public%2fsecret")]
    [InlineData("No URI", null)]
    public void It_does_not_open(string sentence, string? uri)
    {
        var decision = AccessSpec.AskRaw(Policy, uri);

        Assert.True(decision is AccessDecision.SignIn or AccessDecision.Deny, $"{sentence}: {decision}");
    }

    [Theory]
    [InlineData("A file below the open folder", "/public/a")]
    [InlineData("The open folder", "/public")]
    [InlineData("The open folder with a slash", "/public/")]
    [InlineData("Dots in the query", "/public/a?b=/../secret")]
    [InlineData("The exact path", "/health")]
    [InlineData("The exact path with a query", "/health?x")]
    [InlineData("An escaped letter", "/%70ublic/a")]
    [InlineData("Dots that stay inside", "/public/a/../b")]
    [InlineData("A doubled slash inside", "/public//a")]
    [InlineData("A parameter inside", "/public/a;v=1")]
    [InlineData("An escaped question mark inside", "/public/what%3F")]
    [InlineData("An escaped number sign inside", "/public/c%23/a")]
    [InlineData("An escaped slash inside, as GitLab names its projects", "/public/api/projects/group%2Fproject")]
    public void It_stays_open(string sentence, string uri)
    {
        var decision = AccessSpec.AskRaw(Policy, uri);

        Assert.True(decision is AccessDecision.AllowPublic, $"{sentence}: {decision}");
    }

    // The application behind us may resolve "..", or cut parameters off, or do neither. A member of staff who may read
    // everything but /admin asks for a path that is /admin in one reading only. It is refused rather than guessed.
    [Theory]
    [InlineData("A parameter on the closed name", "/admin;x=1/users")]
    [InlineData("A parameter on the closed name alone", "/admin;")]
    [InlineData("Out of the closed folder", "/admin/../docs")]
    [InlineData("Out of it by escaped dots", "/admin/%2e%2e/docs")]
    [InlineData("Into it", "/docs/../admin")]
    [InlineData("Behind a doubled slash", "//admin/users")]
    [InlineData("An escaped question mark, for servers that parse what they decoded", "/admin%3Fx")]
    [InlineData("An escaped question mark further up", "/admin%3f/users")]
    [InlineData("An escaped number sign", "/admin%23x")]
    [InlineData("A parameter behind one", "/admin%23;x=1/users")]
    public void Who_may_not_pass_in_every_reading_does_not_pass(string sentence, string uri)
    {
        var policy = AccessSpec.Policy(
            AccessSpec.Restricted("/admin") with { Groups = ["admins"] }, AccessSpec.Authenticated());

        var decision = AccessSpec.Ask(policy, uri, SessionStanding.Valid(AccessSpec.Person()));

        Assert.True(decision == AccessDecision.Deny.Because(DenyReason.AmbiguousPath), $"{sentence}: {decision}");
    }

    [Theory]
    [InlineData("/admin%3F/../docs")]
    [InlineData("/admin%23/%2e%2e/docs")]
    public void A_dot_segment_near_what_may_end_the_path_has_no_safe_reading(string uri) =>
        Assert.Equal<AccessDecision>(
            AccessDecision.Deny.Because(DenyReason.AmbiguousPath), AccessSpec.AskRaw(AccessSpec.Policy(AccessSpec.Public("/")), uri));

    [Theory]
    [InlineData("/docs/../notes")]
    [InlineData("//docs/a")]
    [InlineData("/docs;v=2/a")]
    public void A_path_with_several_readings_passes_where_one_rule_covers_them_all(string uri) =>
        Assert.Equal<AccessDecision>(
            AccessDecision.Allow.Instance,
            AccessSpec.Ask(AccessSpec.Policy(AccessSpec.Authenticated()), uri, SessionStanding.Valid(AccessSpec.Person())));

    [Theory]
    [InlineData("POST is another method", "POST")]
    [InlineData("HEAD is another method", "HEAD")]
    [InlineData("Methods have their case", "get")]
    [InlineData("A longer word is another method", "GETX")]
    [InlineData("A method with a tail is no method", "GET ")]
    public void A_path_that_is_open_for_GET_is_open_for_nothing_else(string sentence, string method)
    {
        var policy = AccessSpec.Policy(AccessSpec.Public("/public/x") with { Methods = ["GET"] }, AccessSpec.Authenticated());

        Assert.Equal<AccessDecision>(AccessDecision.AllowPublic.Instance, AccessSpec.AskRaw(policy, "/public/x"));
        Assert.True(AccessSpec.AskRaw(policy, "/public/x", method: method) is AccessDecision.SignIn or AccessDecision.Deny, sentence);
    }

    // TH8: the same host in another spelling must neither miss its own rule nor hit somebody else's.
    [Theory]
    [InlineData("A.Example.ORG", true)]
    [InlineData("a.example.org.", true)]
    [InlineData("a.example.org:443", true)]
    [InlineData("a.example.org:8443", true)]
    [InlineData("a.example.org@evil", false)]
    [InlineData("a.example.org, evil", false)]
    [InlineData("evil, a.example.org", false)]
    [InlineData("xn--a-example.org", false)]
    [InlineData("xa.example.org", false)]
    [InlineData("a.example.org.evil", false)]
    [InlineData("[::1]", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void A_host_is_found_in_every_spelling_of_its_own_and_in_no_other(string? host, bool found)
    {
        var policy = AccessSpec.Policy(new AccessRule { Host = "a.example.org", Access = AccessLevel.Public });

        Assert.Equal(found, AccessSpec.AskRaw(policy, "/", host) is AccessDecision.AllowPublic);
    }
}
