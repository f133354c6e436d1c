using EventAuth.Vectors.Files;

namespace EventAuth.Vectors.Suites;

/// <summary>Which key sets the IdP serves in a case: first, and when it is asked again.</summary>
internal sealed record KeySets(string First, string Then)
{
    /// <summary>As a case names them; <c>jwks</c> where it names none.</summary>
    public static KeySets Of(Members vector)
    {
        var (before, all) = (vector.Text("jwks_before"), vector.Text("jwks"));
        var first = before ?? all ?? "jwks";
        return new KeySets(first, vector.Text("jwks_served_on_refresh") ?? (before is null ? null : all) ?? first);
    }

    /// <summary>The sets themselves; null when the file has none of that name.</summary>
    public (string First, string Then)? In(VectorFile file) =>
        file.KeySet(First) is { } first && file.KeySet(Then) is { } then ? (first, then) : null;
}
