using System.Collections.Frozen;

namespace EventAuth.Domain.Access;

/// <summary>Whom a restricted rule names, prepared so that asking allocates nothing. One match is enough.</summary>
internal sealed class Audience
{
    private const char IssuerEnd = '#';

    private readonly FrozenSet<string> _subs;
    private readonly FrozenSet<(string Issuer, string Sub)> _subjects;
    private readonly FrozenSet<string> _addresses;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _domains;
    private readonly FrozenSet<string> _groups;
    private readonly FrozenSet<string> _roles;

    public Audience(AccessRule rule, IReadOnlyDictionary<string, IReadOnlyList<string>> groups)
    {
        string[] users = [.. rule.Users, .. rule.Groups.SelectMany(g => groups.GetValueOrDefault(g, []))];
        _subjects = users.Where(IsSubject).Select(SplitSubject).ToFrozenSet();
        _addresses = users.Where(IsAddress).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _subs = users.Where(u => !IsSubject(u) && !IsAddress(u)).ToFrozenSet(StringComparer.Ordinal);
        _domains = rule.EmailDomains.ToFrozenSet(StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();
        _groups = rule.Groups.ToFrozenSet(StringComparer.Ordinal);
        _roles = rule.Roles.ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>True for text that names a person in one of the three forms of <see cref="AccessRule.Users"/>.</summary>
    public static bool IsPerson(string? text)
    {
        if (string.IsNullOrWhiteSpace(text) || text.Any(char.IsControl))
        {
            return false;
        }

        return IsSubject(text)
            ? SplitSubject(text) is { Issuer.Length: > 0, Sub.Length: > 0 }
            : !IsAddress(text) || EmailAddress.TryReadDomain(text, out _);
    }

    public bool Includes(Identity identity) =>
        _subs.Contains(identity.Sub)
        || _subjects.Contains((identity.Issuer, identity.Sub))
        || IncludesAddress(identity.Email)
        || ContainsAny(_groups, identity.Groups)
        || ContainsAny(_roles, identity.Roles);

    private bool IncludesAddress(string? address) =>
        address is not null
        && EmailAddress.TryReadDomain(address, out var domain)
        && (_addresses.Contains(address) || _domains.Contains(domain));

    // By index: an enumerator of an interface would be an allocation for every request.
    private static bool ContainsAny(FrozenSet<string> wanted, IReadOnlyList<string> values)
    {
        if (wanted.Count == 0)
        {
            return false;
        }

        for (var i = 0; i < values.Count; i++)
        {
            if (wanted.Contains(values[i]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsSubject(string text) =>
        text.Contains(IssuerEnd)
        && (text.StartsWith("https://", StringComparison.Ordinal) || text.StartsWith("http://", StringComparison.Ordinal));

    // An issuer has no fragment (OpenID Connect Discovery, 3), so the first '#' ends it, whatever the sub holds.
    private static (string Issuer, string Sub) SplitSubject(string text)
    {
        var at = text.IndexOf(IssuerEnd, StringComparison.Ordinal);
        return (text[..at], text[(at + 1)..]);
    }

    // A sub with an '@' is not an address, however much it looks like one: its IdP may let people choose it.
    private static bool IsAddress(string text) => text.Contains('@') && !IsSubject(text);
}
