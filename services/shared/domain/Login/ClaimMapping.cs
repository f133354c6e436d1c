using System.Text.Json;

namespace EventAuth.Domain.Login;

/// <summary>What an IdP says about a person; null: it did not say, empty list: it said none.</summary>
public sealed record MappedClaims(string? Email, string? Name, IReadOnlyList<string>? Groups, IReadOnlyList<string>? Roles)
{
    /// <summary>Nothing was said.</summary>
    public static readonly MappedClaims Nothing = new(null, null, null, null);

    /// <summary>This answer, and the older one wherever this one is silent.</summary>
    public MappedClaims Over(MappedClaims older) =>
        new(Email ?? older.Email, Name ?? older.Name, Groups ?? older.Groups, Roles ?? older.Roles);

    /// <summary>Shows no personal data.</summary>
    public override string ToString() => $"{Groups?.Count.ToString(provider: null) ?? "no"} groups, {Roles?.Count.ToString(provider: null) ?? "no"} roles";
}

/// <summary>Claims of an ID token or of userinfo become what rules look at; the same at login, refresh and revalidation.</summary>
public static class ClaimMapping
{
    /// <summary>Reads the standard claims and the two configured ones.</summary>
    /// <param name="groupsClaim">Name of a member, or a path with dots where no member has that name.</param>
    public static MappedClaims Map(JsonElement claims, string groupsClaim, string rolesClaim) =>
        claims.ValueKind != JsonValueKind.Object
            ? MappedClaims.Nothing
            : new MappedClaims(
                Email(claims),
                Text(claims, "name") ?? Text(claims, "preferred_username"),
                List(claims, groupsClaim),
                List(claims, rolesClaim));

    // An address that the IdP says it has not verified could be anybody's. Some IdPs write the boolean as text.
    private static string? Email(JsonElement claims)
    {
        var verified = !claims.TryGetProperty("email_verified", out var flag)
            || flag.ValueKind == JsonValueKind.True
            || (flag.ValueKind == JsonValueKind.String && string.Equals(flag.GetString(), "true", StringComparison.OrdinalIgnoreCase));
        return verified ? Text(claims, "email") : null;
    }

    private static string? Text(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var claim) && claim.ValueKind == JsonValueKind.String && claim.GetString() is { Length: > 0 } text
            ? text
            : null;

    // A claim that is there but says nothing readable grants nothing: an empty list, not "as before".
    private static List<string>? List(JsonElement claims, string name)
    {
        if (!TryFind(claims, name, out var claim))
        {
            return null;
        }

        var values = claim.ValueKind switch
        {
            JsonValueKind.String => [claim.GetString()!],
            JsonValueKind.Array => claim.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()!),
            _ => Enumerable.Empty<string>(),
        };
        return [.. values.Where(v => v.Length > 0).Distinct(StringComparer.Ordinal)];
    }

    private static bool TryFind(JsonElement claims, string name, out JsonElement found)
    {
        if (claims.TryGetProperty(name, out found))
        {
            return true;
        }

        // Keycloak: realm_access.roles
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        while (dot > 0)
        {
            if (claims.TryGetProperty(name[..dot], out var inner)
                && inner.ValueKind == JsonValueKind.Object
                && TryFind(inner, name[(dot + 1)..], out found))
            {
                return true;
            }

            dot = name.IndexOf('.', dot + 1);
        }

        return false;
    }
}
