using System.Text.Json;
using EventAuth.Domain.Login;

namespace EventAuth.Domain.Bearer;

/// <summary>How a claim is compared. Zero, a forgotten one, holds for nothing.</summary>
public enum ClaimComparison
{
    Unspecified = 0,

    /// <summary>The claim is one of the values.</summary>
    OneOf,

    /// <summary>The claim begins with one of the values.</summary>
    Prefix,

    /// <summary>The claim ends with one of the values.</summary>
    Suffix,

    /// <summary>One of the values stands somewhere in the claim.</summary>
    Contains,
}

/// <summary>
/// What a token of an issuer must say beside the standard claims. Of a list one item is enough; numbers and booleans are
/// compared as JSON writes them; a claim that is missing or an object meets no condition, and so it meets each that is negated.
/// </summary>
/// <param name="Claim">Name of a member, or a path with dots where no member has that name.</param>
/// <param name="Not">The comparison must not hold.</param>
public sealed record ClaimCondition(string Claim, ClaimComparison Comparison, IReadOnlyList<string> Values, bool Not)
{
    /// <summary>Whether the claims meet it.</summary>
    public bool IsMetBy(JsonElement claims) => Texts(claims).Any(Fits) != Not;

    private IEnumerable<string> Texts(JsonElement claims)
    {
        if (!ClaimPath.TryFind(claims, Claim, out var claim))
        {
            return [];
        }

        return claim.ValueKind == JsonValueKind.Array ? claim.EnumerateArray().Select(Text).OfType<string>() : Text(claim) is { } text ? [text] : [];
    }

    private bool Fits(string text) => Values.Any(value => Comparison switch
    {
        ClaimComparison.OneOf => string.Equals(text, value, StringComparison.Ordinal),
        ClaimComparison.Prefix => text.StartsWith(value, StringComparison.Ordinal),
        ClaimComparison.Suffix => text.EndsWith(value, StringComparison.Ordinal),
        ClaimComparison.Contains => text.Contains(value, StringComparison.Ordinal),
        _ => false,
    });

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    };
}
