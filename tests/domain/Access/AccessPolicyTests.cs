using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

public sealed class AccessPolicyTests
{
    [Theory]
    [InlineData("one label below", "a.example.test", true)]
    [InlineData("several labels below", "a.b.example.test", true)]
    [InlineData("never the domain itself", "example.test", false)]
    [InlineData("never a longer label", "badexample.test", false)]
    [InlineData("never a longer name", "a.example.test.evil", false)]
    [InlineData("never its parent", "test", false)]
    public void A_wildcard_speaks_of_hosts(string sentence, string host, bool expected)
    {
        var policy = AccessSpec.Policy(new AccessRule { Host = "*.example.test", Access = AccessLevel.Public });

        Assert.True(expected == AccessSpec.AskRaw(policy, "/", host) is AccessDecision.AllowPublic, sentence);
    }

    [Theory]
    [InlineData("badexample.test")]
    [InlineData("*.badexample.test")]
    public void A_wildcard_says_nothing_about_a_longer_label_that_has_rules_of_its_own(string other)
    {
        var policy = AccessSpec.Policy(For("*.example.test", "wide"), For(other, "other"));
        var host = other.Replace("*", "a", StringComparison.Ordinal);

        Assert.False(Lets(policy, host, "wide"));
        Assert.True(Lets(policy, host, "other"));
    }

    [Theory]
    [InlineData("The rule of the host comes first in the file", "a.b.example.test", "exact first")]
    [InlineData("The narrow wildcard comes first", "x.b.example.test", "narrow first")]
    [InlineData("Only the wide wildcard fits", "x.example.test", "wide")]
    public void The_first_rule_of_the_file_decides_not_the_narrowest(string sentence, string host, string group)
    {
        var policy = AccessSpec.Policy(
            For("a.b.example.test", "exact first"),
            For("*.b.example.test", "narrow first"),
            For("*.example.test", "wide"),
            For("a.b.example.test", "too late"));

        Assert.True(Lets(policy, host, group), sentence);
        Assert.Single(new[] { "exact first", "narrow first", "wide", "too late" }, g => Lets(policy, host, g));
    }

    [Fact]
    public void A_wide_rule_that_comes_first_hides_a_narrow_one() =>
        Assert.True(Lets(
            AccessSpec.Policy(For("*.example.test", "wide"), For("*.b.example.test", "narrow"), For("a.b.example.test", "exact")),
            "a.b.example.test",
            "wide"));

    [Theory]
    [InlineData("the folder", "/docs", true)]
    [InlineData("what is in it", "/docs/a/b", true)]
    [InlineData("the folder with a slash", "/docs/", true)]
    [InlineData("a longer name", "/docsx", false)]
    [InlineData("its parent", "/", false)]
    public void A_path_speaks_of(string sentence, string uri, bool expected)
    {
        foreach (var path in new[] { "/docs", "/docs/" })
        {
            var decision = AccessSpec.AskRaw(AccessSpec.Policy(AccessSpec.Public(path)), uri);
            Assert.True(expected == decision is AccessDecision.AllowPublic, $"{path} and {sentence}");
        }
    }

    [Fact]
    public void Methods_may_be_written_in_small_letters_in_the_file() =>
        Assert.Equal<AccessDecision>(
            AccessDecision.AllowPublic.Instance,
            AccessSpec.AskRaw(AccessSpec.Policy(AccessSpec.Public("/") with { Methods = ["get", "Head"] }), "/", method: "HEAD"));

    [Theory]
    [InlineData("host: '*'", "*", "/", AccessLevel.Public)]
    [InlineData("host: ''", "", "/", AccessLevel.Public)]
    [InlineData("host: '*.'", "*.", "/", AccessLevel.Public)]
    [InlineData("host: 'a.*.test'", "a.*.test", "/", AccessLevel.Public)]
    [InlineData("host: 'https://a.test'", "https://a.test", "/", AccessLevel.Public)]
    [InlineData("host: 'a.test:8080'", "a.test:8080", "/", AccessLevel.Public)]
    [InlineData("host: '*.[::1]'", "*.[::1]", "/", AccessLevel.Public)]
    [InlineData("path: ''", "a.test", "", AccessLevel.Public)]
    [InlineData("path: 'public'", "a.test", "public", AccessLevel.Public)]
    [InlineData("path: '/public/*'", "a.test", "/public/*", AccessLevel.Public)]
    [InlineData("path: '/a?b'", "a.test", "/a?b", AccessLevel.Public)]
    [InlineData("path: '/a%20b'", "a.test", "/a%20b", AccessLevel.Public)]
    [InlineData("path: '/a//b'", "a.test", "/a//b", AccessLevel.Public)]
    [InlineData("path: '/a/../b'", "a.test", "/a/../b", AccessLevel.Public)]
    [InlineData("access: restricted to nobody", "a.test", "/", AccessLevel.Restricted)]
    [InlineData("access: 9 is not known", "a.test", "/", (AccessLevel)9)]
    public void A_rule_that_means_nothing_stops_the_start(string error, string host, string path, AccessLevel access)
    {
        var errors = AccessSpec.Errors(new AccessRule { Host = host, PathPrefix = path, Access = access });

        Assert.StartsWith($"rules[0].{error}", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(AccessLevel.Deny, "deny")]
    [InlineData(AccessLevel.Public, "public")]
    [InlineData(AccessLevel.Authenticated, "authenticated")]
    public void A_list_that_nothing_looks_at_stops_the_start(AccessLevel access, string name)
    {
        foreach (var rule in new[]
        {
            AccessSpec.Restricted() with { Users = ["alice"] },
            AccessSpec.Restricted() with { EmailDomains = ["example.test"] },
            AccessSpec.Restricted() with { Groups = ["staff"] },
            AccessSpec.Restricted() with { Roles = ["reader"] },
        })
        {
            Assert.Empty(AccessSpec.Errors(rule));
            Assert.Contains($"access: {name} takes no", Assert.Single(AccessSpec.Errors(rule with { Access = access })), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void All_errors_are_told_at_once()
    {
        var built = AccessPolicy.TryBuild(
            [
                AccessSpec.Public("nowhere") with { Methods = ["GET", "NO SPACE"] },
                AccessSpec.Restricted() with { Users = ["", "a@b@c"], EmailDomains = ["@example.test"], Groups = [" "], Roles = ["a\nb"] },
            ],
            new Dictionary<string, IReadOnlyList<string>> { ["staff"] = ["bob@"] },
            out var policy,
            out var errors);

        Assert.False(built);
        Assert.Same(AccessPolicy.Nobody, policy);
        Assert.Equal(
            ["rules[0].path", "rules[0].methods", "rules[1].users", "rules[1].users", "rules[1].emailDomains",
                "rules[1].groups", "rules[1].roles", "groups.staff"],
            errors.Select(e => e[..e.IndexOf(':', StringComparison.Ordinal)]));
    }

    [Fact]
    public void What_nobody_configured_denies() =>
        Assert.Equal<AccessDecision>(
            AccessDecision.Deny.Because(DenyReason.NoRule), AccessSpec.AskRaw(AccessPolicy.Nobody, "/"));

    [Fact]
    public void The_audit_trail_gets_every_rule_in_one_line_without_addresses()
    {
        var policy = AccessSpec.Policy(
            new Dictionary<string, IReadOnlyList<string>> { ["staff"] = ["alice", "bob@example.test"] },
            AccessSpec.Public("/public") with { Methods = ["GET", "HEAD"] },
            AccessSpec.Restricted() with
            {
                Users = ["carol", "dave@example.test", "https://idp.example.test#eve@x"],
                EmailDomains = ["example.test"],
                Groups = ["staff", "admins"],
                Roles = ["ops"],
            });

        Assert.Equal(
            [
                "app.example.test/public methods=GET,HEAD public",
                "app.example.test/ restricted users=carol,<17>,<30> emailDomains=example.test groups=staff,admins roles=ops",
            ],
            policy.DescribeRules(a => $"<{a.Length}>"));
        Assert.Equal(["alice", "<16>"], policy.DescribeGroups(a => $"<{a.Length}>")["staff"]);
    }

    private static AccessRule For(string host, string group) =>
        new() { Host = host, Access = AccessLevel.Restricted, Groups = [group] };

    private static bool Lets(AccessPolicy policy, string host, string group) =>
        AccessSpec.Ask(policy, "/", SessionStanding.Valid(AccessSpec.Person(groups: [group])), host: host) is AccessDecision.Allow;

    [Fact]
    public void The_rule_that_decides_is_told_unless_it_depends_on_how_the_path_is_read()
    {
        var admin = AccessSpec.Restricted("/admin") with { Groups = ["admins"] };
        var policy = AccessSpec.Policy(admin, AccessSpec.Public("/open"));

        Assert.Equal(admin, policy.RuleOf(AccessSpec.Request("/admin/x")));
        Assert.Null(policy.RuleOf(AccessSpec.Request("/elsewhere")));
        Assert.Null(policy.RuleOf(AccessSpec.Request("/open;/x")));
    }
}
