using System.Text.Json;
using EventAuth.Domain.Login;

namespace EventAuth.Domain.Tests.Login;

public sealed class ClaimMappingTests
{
    [Theory]
    [InlineData("a missing claim says nothing", "{}", null)]
    [InlineData("an empty list says none", """{"groups":[]}""", "")]
    [InlineData("null says none", """{"groups":null}""", "")]
    [InlineData("a text is one value", """{"groups":"staff, with comma"}""", "staff, with comma")]
    [InlineData("a list is its values", """{"groups":["a","b"]}""", "a|b")]
    [InlineData("a value counts once", """{"groups":["a","a",""]}""", "a")]
    [InlineData("what is no text is left out", """{"groups":["a",1,null,{"b":1}]}""", "a")]
    [InlineData("a name with a control character is nobody's", """{"groups":["ad\u0000mins","staff\n","a"]}""", "a")]
    [InlineData("an unreadable claim grants nothing", """{"groups":{"a":true}}""", "")]
    public void Groups_are_read_so_that(string reason, string claims, string? expected)
    {
        Assert.NotEmpty(reason);
        Assert.Equal(expected, Joined(Map(claims).Groups));
    }

    [Theory]
    [InlineData("Keycloak's path", """{"realm_access":{"roles":["a"]}}""", "realm_access.roles", "a")]
    [InlineData("a member of that very name first", """{"realm_access.roles":["x"],"realm_access":{"roles":["a"]}}""", "realm_access.roles", "x")]
    [InlineData("dots in a name", """{"https://example.test/claims":{"roles":["a"]}}""", "https://example.test/claims.roles", "a")]
    [InlineData("a path that ends early", """{"realm_access":["a"]}""", "realm_access.roles", null)]
    [InlineData("a path with an empty list", """{"realm_access":{"roles":[]}}""", "realm_access.roles", "")]
    public void A_claim_is_found_by_name_or_path(string reason, string claims, string name, string? expected)
    {
        Assert.NotEmpty(reason);
        Assert.Equal(expected, Joined(ClaimMapping.Map(Element(claims), "groups", name, trustEmail: false).Roles));
    }

    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"email_verified":true}""", null)]
    [InlineData("""{"email":"a@example.test"}""", "")]
    [InlineData("""{"email":"a@example.test","email_verified":true}""", "a@example.test")]
    [InlineData("""{"email":"a@example.test","email_verified":"true"}""", "a@example.test")]
    [InlineData("""{"email":"a@example.test","email_verified":false}""", "")]
    [InlineData("""{"email":"a@example.test","email_verified":"false"}""", "")]
    [InlineData("""{"email":"a@example.test","email_verified":"False"}""", "")]
    [InlineData("""{"email":"a@example.test","email_verified":0}""", "")]
    [InlineData("""{"email":"","email_verified":true}""", "")]
    [InlineData("""{"email":null,"email_verified":true}""", "")]
    [InlineData("""{"email":["a@example.test"],"email_verified":true}""", "")]
    [InlineData("""{"email":"a\u0000@example.test","email_verified":true}""", "")]
    public void An_address_that_is_not_verified_is_nobody_s_and_silence_is_not_none(string claims, string? expected) =>
        Assert.Equal(expected, Map(claims).Email);

    [Theory]
    [InlineData("""{"email":"a@example.test"}""", "a@example.test")]
    [InlineData("""{"email":"a@example.test","email_verified":false}""", "")]
    public void An_operator_vouches_for_addresses_of_which_the_IdP_says_nothing_but_not_against_it(string claims, string expected) =>
        Assert.Equal(expected, Map(claims, trustEmail: true).Email);

    // The person may have typed the address in: what one answer denies, the other must not bring in again.
    [Theory]
    [InlineData("denied beats vouched for", """{"email":"a@example.test","email_verified":false}""", """{"email":"a@example.test","email_verified":true}""", "")]
    [InlineData("denied beats vouched for, the other way round", """{"email":"a@example.test","email_verified":true}""", """{"email_verified":false}""", "")]
    [InlineData("vouched for completes what was left open", """{"email":"a@example.test"}""", """{"email":"a@example.test","email_verified":true}""", "a@example.test")]
    [InlineData("vouched for completes silence", "{}", """{"email":"a@example.test","email_verified":true}""", "a@example.test")]
    [InlineData("none is not silence", """{"email":null}""", "{}", "")]
    [InlineData("two silences", "{}", "{}", null)]
    public void Two_answers_about_the_address_make_one(string reason, string first, string second, string? expected)
    {
        Assert.NotEmpty(reason);
        Assert.Equal(expected, Map(first).Over(Map(second)).Email);
    }

    [Theory]
    [InlineData("""{"name":"Ada","preferred_username":"ada"}""", "Ada")]
    [InlineData("""{"preferred_username":"ada"}""", "ada")]
    [InlineData("""{"name":7}""", null)]
    [InlineData("""{"name":"\u0000A\u0007da"}""", "Ada")]
    public void A_name_is_the_full_one_or_the_login_name(string claims, string? expected) => Assert.Equal(expected, Map(claims).Name);

    [Fact]
    public void A_newer_answer_counts_where_it_says_something()
    {
        var older = new MappedClaims("old@example.test", "Old", ["a"], ["r"]);

        var merged = new MappedClaims(null, "New", [], null).Over(older);

        Assert.Equal(("old@example.test", "New", "", "r"), (merged.Email, merged.Name, Joined(merged.Groups), Joined(merged.Roles)));
    }

    [Fact]
    public void What_is_no_object_says_nothing() => Assert.Equal(MappedClaims.Nothing, Map("[]"));

    [Fact]
    public void Personal_data_is_not_shown_in_text() =>
        Assert.Equal("1 groups, no roles", new MappedClaims("a@example.test", "Ada", ["staff"], null).ToString());

    private static MappedClaims Map(string claims, bool trustEmail = false) =>
        ClaimMapping.Map(Element(claims), "groups", "roles", trustEmail);

    private static JsonElement Element(string json) => JsonDocument.Parse(json).RootElement;

    private static string? Joined(IReadOnlyList<string>? values) => values is null ? null : string.Join('|', values);
}
