using System.Text.Json;

namespace EventAuth.Domain.Login;

/// <summary>What an IdP says about a person; null: it did not say, empty text or list: it said none.</summary>
/// <param name="Email">Empty as well when the IdP does not vouch for the address.</param>
public sealed record MappedClaims(string? Email, string? Name, IReadOnlyList<string>? Groups, IReadOnlyList<string>? Roles)
{
    /// <summary>Nothing was said.</summary>
    public static readonly MappedClaims Nothing = new(null, null, null, null);

    /// <summary>The IdP says that the address is not verified; no other answer of the same moment outweighs that.</summary>
    public bool EmailRefused { get; init; }

    /// <summary>This answer, and the older one wherever this one is silent; for the address, wherever it vouches for none.</summary>
    public MappedClaims Over(MappedClaims older)
    {
        var refused = EmailRefused || older.EmailRefused;
        var email = string.IsNullOrEmpty(Email) ? older.Email ?? Email : Email;
        return new(refused ? "" : email, Name ?? older.Name, Groups ?? older.Groups, Roles ?? older.Roles) { EmailRefused = refused };
    }

    /// <summary>Shows no personal data.</summary>
    public override string ToString() => $"{Groups?.Count.ToString(provider: null) ?? "no"} groups, {Roles?.Count.ToString(provider: null) ?? "no"} roles";
}

/// <summary>
/// Claims of an ID token or of userinfo become what rules look at; the same at login, refresh and revalidation. Control
/// characters never pass: Postgres stores no NUL, and a group that equals another one without them is not that one.
/// </summary>
public static class ClaimMapping
{
    /// <summary>Reads the standard claims and the two configured ones.</summary>
    /// <param name="groupsClaim">Name of a member, or a path with dots where no member has that name.</param>
    /// <param name="trustEmail">The operator vouches for addresses of which the IdP does not say whether they are verified.</param>
    public static MappedClaims Map(JsonElement claims, string groupsClaim, string rolesClaim, bool trustEmail)
    {
        if (claims.ValueKind != JsonValueKind.Object)
        {
            return MappedClaims.Nothing;
        }

        var verified = IsVerified(claims);
        return new MappedClaims(
            Email(claims, verified ?? trustEmail),
            Name(claims, "name") ?? Name(claims, "preferred_username"),
            List(claims, groupsClaim),
            List(claims, rolesClaim))
        {
            EmailRefused = verified == false,
        };
    }

    // Null: not said. Some IdPs write the boolean as text.
    private static bool? IsVerified(JsonElement claims) => !claims.TryGetProperty("email_verified", out var flag)
        ? null
        : flag.ValueKind == JsonValueKind.True
            || (flag.ValueKind == JsonValueKind.String && string.Equals(flag.GetString(), "true", StringComparison.OrdinalIgnoreCase));

    // An address that nobody has verified could be anybody's.
    private static string? Email(JsonElement claims, bool vouched)
    {
        if (!claims.TryGetProperty("email", out var claim))
        {
            return null;
        }

        return vouched && claim.ValueKind == JsonValueKind.String && claim.GetString() is { } address && !address.Any(char.IsControl)
            ? address
            : "";
    }

    private static string? Name(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var claim)
        && claim.ValueKind == JsonValueKind.String
        && string.Concat(claim.GetString()!.Where(c => !char.IsControl(c))) is { Length: > 0 } text
            ? text
            : null;

    // A claim that is there but says nothing readable grants nothing: an empty list, not "as before".
    private static List<string>? List(JsonElement claims, string name)
    {
        if (!ClaimPath.TryFind(claims, name, out var claim))
        {
            return null;
        }

        var values = claim.ValueKind switch
        {
            JsonValueKind.String => [claim.GetString()!],
            JsonValueKind.Array => claim.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()!),
            _ => Enumerable.Empty<string>(),
        };
        return [.. values.Where(v => v.Length > 0 && !v.Any(char.IsControl)).Distinct(StringComparer.Ordinal)];
    }
}
