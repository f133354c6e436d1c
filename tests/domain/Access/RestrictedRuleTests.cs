using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

public sealed class RestrictedRuleTests
{
    private static readonly AccessRule Rule = AccessSpec.Restricted();

    [Fact]
    public void A_person_is_named_by_sub_and_the_sub_has_its_case()
    {
        Assert.True(Lets(Rule with { Users = ["alice"] }, AccessSpec.Person("alice")));
        Assert.False(Lets(Rule with { Users = ["alice"] }, AccessSpec.Person("Alice")));
        Assert.False(Lets(Rule with { Users = ["alice"] }, AccessSpec.Person("bob")));
    }

    [Fact]
    public void A_person_is_named_by_address_and_its_case_does_not_matter()
    {
        Assert.True(Lets(Rule with { Users = ["Bob@example.test"] }, AccessSpec.Person("1", "bob@EXAMPLE.test")));
        Assert.False(Lets(Rule with { Users = ["bob@example.test"] }, AccessSpec.Person("1", "rob@example.test")));
    }

    // Two IdPs count their users from 1 each: "1" of the one is not "1" of the other.
    [Fact]
    public void A_person_is_named_by_issuer_and_sub_where_several_IdPs_are_in_use()
    {
        var rule = Rule with { Users = [$"{AccessSpec.Issuer}#1"] };

        Assert.True(Lets(rule, AccessSpec.Person("1")));
        Assert.False(Lets(rule, AccessSpec.Person("1", issuer: "https://other.example.test")));
        Assert.False(Lets(rule, AccessSpec.Person($"{AccessSpec.Issuer}#1", issuer: "https://other.example.test")));
    }

    // An IdP lets people choose their user name and tells it as sub. Somebody chooses the boss's address.
    [Fact]
    public void A_sub_that_looks_like_an_address_is_no_address()
    {
        Assert.False(Lets(Rule with { Users = ["boss@example.test"] }, AccessSpec.Person("boss@example.test")));
        Assert.False(Lets(Rule with { EmailDomains = ["example.test"] }, AccessSpec.Person("boss@example.test")));
    }

    [Fact]
    public void An_address_that_looks_like_a_sub_is_no_sub() =>
        Assert.False(Lets(Rule with { Users = ["alice"] }, AccessSpec.Person("1", "alice")));

    // CVE-2026-40574: a check of the last part let "a@evil.com@company.com" into company.com. Others read the first part,
    // or differ about quotes, comments and letters that only look like an '@'. The provider is not asked to be careful.
    [Theory]
    [InlineData("a plain address", "a@example.test", true)]
    [InlineData("capitals", "A@Example.TEST", true)]
    [InlineData("a tag", "a+b@example.test", true)]
    [InlineData("nobody's address", null, false)]
    [InlineData("an empty address", "", false)]
    [InlineData("the domain alone", "example.test", false)]
    [InlineData("nobody at the domain", "@example.test", false)]
    [InlineData("two at signs, ours last", "a@evil.test@example.test", false)]
    [InlineData("two at signs, ours first", "a@example.test@evil.test", false)]
    [InlineData("another domain", "a@evil.test", false)]
    [InlineData("a sub-domain", "a@sub.example.test", false)]
    [InlineData("a domain that ends alike", "a@badexample.test", false)]
    [InlineData("a domain that begins alike", "a@example.test.evil", false)]
    [InlineData("a trailing dot", "a@example.test.", false)]
    [InlineData("a fullwidth at sign", "a@evil.test\uFF20example.test", false)]
    [InlineData("only a fullwidth at sign", "a\uFF20example.test", false)]
    [InlineData("a quoted local part", "\"a@evil.test\"@example.test", false)]
    [InlineData("quotes", "\"a\"@example.test", false)]
    [InlineData("a comment", "a@example.test(evil.test)", false)]
    [InlineData("a display name", "A <a@example.test>", false)]
    [InlineData("two addresses", "a@evil.test,b@example.test", false)]
    [InlineData("a line break", "a@evil.test\r\n@example.test", false)]
    [InlineData("a NUL", "a@example.test\0.evil.test", false)]
    [InlineData("a space at the end", "a@example.test ", false)]
    [InlineData("a letter that only looks like ours", "a@ex\u0430mple.test", false)]
    [InlineData("a letter that folds into ours", "\u212A@example.test", false)]
    public void A_domain_lets_in(string sentence, string? email, bool expected) =>
        Assert.True(expected == Lets(Rule with { EmailDomains = ["example.test"] }, AccessSpec.Person("1", email)), sentence);

    [Fact]
    public void The_domain_of_a_rule_has_no_case() =>
        Assert.True(Lets(Rule with { EmailDomains = ["Example.Test"] }, AccessSpec.Person("1", "a@example.test")));

    [Fact]
    public void Groups_and_roles_have_their_case_and_are_not_each_other()
    {
        Assert.True(Lets(Rule with { Groups = ["admins"] }, AccessSpec.Person(groups: ["users", "admins"])));
        Assert.False(Lets(Rule with { Groups = ["admins"] }, AccessSpec.Person(groups: ["Admins", "admins2"])));
        Assert.False(Lets(Rule with { Groups = ["admins"] }, AccessSpec.Person(roles: ["admins"])));
        Assert.True(Lets(Rule with { Roles = ["ops"] }, AccessSpec.Person(roles: ["ops"])));
        Assert.False(Lets(Rule with { Roles = ["ops"] }, AccessSpec.Person(groups: ["ops"])));
    }

    [Fact]
    public void A_group_of_the_file_has_the_persons_it_lists_beside_those_of_the_IdP()
    {
        var groups = new Dictionary<string, IReadOnlyList<string>> { ["staff"] = ["alice", "bob@example.test"], ["other"] = ["carol"] };
        var rule = Rule with { Groups = ["staff"] };

        Assert.True(Lets(rule, AccessSpec.Person("alice"), groups));
        Assert.True(Lets(rule, AccessSpec.Person("2", "bob@example.test"), groups));
        Assert.True(Lets(rule, AccessSpec.Person("3", groups: ["staff"]), groups));
        Assert.False(Lets(rule, AccessSpec.Person("carol"), groups));
        Assert.False(Lets(rule, AccessSpec.Person("staff"), groups));
    }

    [Fact]
    public void One_match_is_enough_and_none_is_not()
    {
        var rule = Rule with { Users = ["alice"], EmailDomains = ["example.test"], Groups = ["admins"], Roles = ["ops"] };

        Assert.True(Lets(rule, AccessSpec.Person("alice")));
        Assert.True(Lets(rule, AccessSpec.Person("1", "a@example.test")));
        Assert.True(Lets(rule, AccessSpec.Person("1", groups: ["admins"])));
        Assert.True(Lets(rule, AccessSpec.Person("1", roles: ["ops"])));
        Assert.False(Lets(rule, AccessSpec.Person("1", "a@other.test", ["users"], ["reader"])));
    }

    private static bool Lets(
        AccessRule rule, Identity identity, IReadOnlyDictionary<string, IReadOnlyList<string>>? groups = null)
    {
        var policy = AccessSpec.Policy(groups ?? new Dictionary<string, IReadOnlyList<string>>(), rule);
        var decision = AccessSpec.Ask(policy, "/", SessionStanding.Valid(identity));
        Assert.True(decision is AccessDecision.Allow || decision == AccessDecision.Deny.Because(DenyReason.NotAllowed), $"{decision}");
        return decision is AccessDecision.Allow;
    }
}
