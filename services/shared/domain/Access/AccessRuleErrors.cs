using System.Buffers;

namespace EventAuth.Domain.Access;

/// <summary>What is wrong with rules and groups, all at once, in the words of the file.</summary>
internal static class AccessRuleErrors
{
    private const string NoPerson = "is neither a sub, an e-mail address nor issuer#sub";

    private static readonly SearchValues<char> NeverInPath = SearchValues.Create("?#%\\;*");

    public static IEnumerable<string> Of(
        IReadOnlyList<AccessRule> rules, IReadOnlyDictionary<string, IReadOnlyList<string>> groups) =>
        [
            .. rules.SelectMany((rule, i) => Of(rule).Select(error => $"rules[{i}].{error}")),
            .. groups.SelectMany(g => Of(g.Key, g.Value)),
        ];

    private static IEnumerable<string> Of(AccessRule rule) =>
        [
            .. When(!HostPattern.TryParse(rule.Host, out _), $"host: '{rule.Host}' is neither a host nor *.host (no port)"),
            .. When(!IsPath(rule.PathPrefix), $"path: '{rule.PathPrefix}' is not a plain path that begins with '/'"),
            .. rule.Methods.Where(m => !IsMethod(m)).Select(m => $"methods: '{m}' is not an HTTP method"),
            .. When(!Enum.IsDefined(rule.Access), $"access: {rule.Access} is not known"),
            .. Lists(rule),
            .. rule.Users.Where(u => !Audience.IsPerson(u)).Select(u => $"users: '{u}' {NoPerson}"),
            .. rule.EmailDomains.Where(d => !EmailAddress.IsDomain(d)).Select(d => $"emailDomains: '{d}' is not a domain"),
            .. rule.Groups.Where(g => !IsName(g)).Select(_ => "groups: a name is empty or has control characters"),
            .. rule.Roles.Where(r => !IsName(r)).Select(_ => "roles: a name is empty or has control characters"),
            .. rule.Scopes.Where(s => !IsScope(s)).Select(s => $"scopes: '{s}' is no scope (RFC 6749, 3.3)"),
            .. When(rule.Scopes.Count > 0 && rule.Access is (AccessLevel.Public or AccessLevel.Deny),
                $"scopes: with access {rule.Access.ToString().ToLowerInvariant()} nothing looks at them"),
        ];

    private static IEnumerable<string> Of(string group, IReadOnlyList<string> persons) =>
        [
            .. When(!IsName(group), "groups: a name is empty or has control characters"),
            .. persons.Where(p => !Audience.IsPerson(p)).Select(p => $"groups.{group}: '{p}' {NoPerson}"),
        ];

    // A list that nothing looks at was meant to keep somebody out.
    private static IEnumerable<string> Lists(AccessRule rule)
    {
        var named = rule.Users.Count + rule.EmailDomains.Count + rule.Groups.Count + rule.Roles.Count > 0;
        return rule.Access == AccessLevel.Restricted
            ? When(!named, "access: restricted to nobody; name users, emailDomains, groups or roles")
            : When(named, $"access: {rule.Access.ToString().ToLowerInvariant()} takes no users, emailDomains, groups or roles");
    }

    // Rules see the resolved path: a prefix that resolving would change could never match.
    private static bool IsPath(string? path) =>
        path is ['/', ..]
        && !path.AsSpan().ContainsAny(NeverInPath)
        && !path.Any(char.IsControl)
        && !path.Contains("//", StringComparison.Ordinal)
        && !path.Split('/').Any(s => s is "." or "..");

    private static bool IsMethod(string? method) =>
        !string.IsNullOrEmpty(method) && method.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static bool IsScope(string? scope) =>
        !string.IsNullOrEmpty(scope) && scope.All(c => c is '!' or (>= '#' and <= '[') or (>= ']' and <= '~'));

    private static bool IsName(string? name) => !string.IsNullOrWhiteSpace(name) && !name.Any(char.IsControl);

    private static string[] When(bool wrong, string error) => wrong ? [error] : [];
}
