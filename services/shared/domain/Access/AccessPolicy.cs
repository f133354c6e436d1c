using System.Collections.Frozen;

namespace EventAuth.Domain.Access;

/// <summary>Who may pass where: the rules of the file in their order, the first that matches decides, and none denies.</summary>
public sealed class AccessPolicy
{
    /// <summary>Without rules nobody passes.</summary>
    public static readonly AccessPolicy Nobody = new([], FrozenDictionary<string, IReadOnlyList<string>>.Empty);

    private readonly HostIndex<PreparedRule> _index;

    private AccessPolicy(IReadOnlyList<AccessRule> rules, IReadOnlyDictionary<string, IReadOnlyList<string>> groups)
    {
        Rules = rules;
        Groups = groups;
        _index = new HostIndex<PreparedRule>([.. rules.Select(r => (Pattern(r.Host), new PreparedRule(r, groups)))]);
    }

    public IReadOnlyList<AccessRule> Rules { get; }

    /// <summary>Groups the file defines, with their persons in the forms of <see cref="AccessRule.Users"/>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Groups { get; }

    /// <summary>Prepares a policy, or tells all that is wrong with it; it is <see cref="Nobody"/> then.</summary>
    public static bool TryBuild(
        IReadOnlyList<AccessRule> rules,
        IReadOnlyDictionary<string, IReadOnlyList<string>> groups,
        out AccessPolicy policy,
        out IReadOnlyList<string> errors)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(groups);
        errors = [.. AccessRuleErrors.Of(rules, groups)];
        policy = errors.Count == 0
            ? new AccessPolicy([.. rules], groups.ToFrozenDictionary(StringComparer.Ordinal))
            : Nobody;
        return errors.Count == 0;
    }

    /// <summary>Every rule in one line, for the audit trail.</summary>
    public IReadOnlyList<string> DescribeRules(Func<string, string> replaceAddress) =>
        [.. Rules.Select(r => r.Describe(replaceAddress))];

    /// <summary>The groups of the file, for the audit trail.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> DescribeGroups(Func<string, string> replaceAddress) =>
        Groups.ToDictionary(
            g => g.Key,
            g => (IReadOnlyList<string>)[.. g.Value.Select(p => AccessRule.Anonymous(p, replaceAddress))]);

    /// <summary>The rule that decides a request; null when none does, or when that depends on how its path is read.</summary>
    public AccessRule? RuleOf(in ForwardedRequest request) => TryFind(request, out var rule) ? rule?.Rule : null;

    /// <summary>
    /// The rule of a request, or null when none speaks of it. False when the path can be read in several ways that fall
    /// under different rules.
    /// </summary>
    internal bool TryFind(in ForwardedRequest request, out PreparedRule? rule)
    {
        var rules = _index.Find(request.Host);
        rule = First(rules, request.Method, request.Path);
        return request.HasOneReading
            || (ReferenceEquals(rule, First(rules, request.Method, request.LiteralPath))
                && ReferenceEquals(rule, First(rules, request.Method, request.BarePath)));
    }

    private static PreparedRule? First(ReadOnlySpan<PreparedRule> rules, string method, ReadOnlySpan<char> path)
    {
        foreach (var rule in rules)
        {
            if (rule.SpeaksOf(method, path))
            {
                return rule;
            }
        }

        return null;
    }

    private static HostPattern Pattern(string host) =>
        HostPattern.TryParse(host, out var pattern)
            ? pattern
            : throw new ArgumentException($"'{host}' was not checked", nameof(host));
}
