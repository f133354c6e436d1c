using System.Text.Json;
using EventAuth.Domain.Bearer;

namespace EventAuth.Domain.Tests.Bearer;

public sealed class ClaimConditionTests
{
    private static readonly JsonElement Claims = JsonDocument.Parse("""
        {"tenant":"acme","level":3,"internal":true,"https://api.test/roles":["reader"],"realm_access":{"roles":["ops","dev"]},"address":{"country":"CH"},"none":null}
        """).RootElement;

    [Theory]
    [InlineData("tenant", ClaimComparison.OneOf, "acme", true)]
    [InlineData("tenant", ClaimComparison.OneOf, "ACME", false)]
    [InlineData("tenant", ClaimComparison.OneOf, "other,acme", true)]
    [InlineData("tenant", ClaimComparison.Prefix, "ac", true)]
    [InlineData("tenant", ClaimComparison.Suffix, "me", true)]
    [InlineData("tenant", ClaimComparison.Contains, "cm", true)]
    [InlineData("tenant", ClaimComparison.Contains, "x", false)]
    [InlineData("tenant", ClaimComparison.Unspecified, "acme", false)]
    [InlineData("level", ClaimComparison.OneOf, "3", true)]
    [InlineData("internal", ClaimComparison.OneOf, "true", true)]
    [InlineData("https://api.test/roles", ClaimComparison.OneOf, "reader", true)]
    [InlineData("realm_access.roles", ClaimComparison.OneOf, "dev", true)]
    [InlineData("realm_access.roles", ClaimComparison.OneOf, "admin", false)]
    [InlineData("address", ClaimComparison.Contains, "CH", false)]
    [InlineData("none", ClaimComparison.Prefix, "", false)]
    [InlineData("missing", ClaimComparison.Prefix, "", false)]
    public void A_claim_meets_a_condition_or_its_negation_never_both(string claim, ClaimComparison comparison, string values, bool met)
    {
        Assert.Equal(met, new ClaimCondition(claim, comparison, values.Split(','), Not: false).IsMetBy(Claims));
        Assert.Equal(!met, new ClaimCondition(claim, comparison, values.Split(','), Not: true).IsMetBy(Claims));
    }
}
