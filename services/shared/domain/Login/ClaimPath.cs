using System.Text.Json;

namespace EventAuth.Domain.Login;

/// <summary>Finds a claim by the name that an operator wrote.</summary>
internal static class ClaimPath
{
    /// <summary>A member of that very name, dots and all (<c>https://example.com/roles</c>); else dots lead into objects (<c>realm_access.roles</c>).</summary>
    public static bool TryFind(JsonElement claims, string name, out JsonElement found)
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
