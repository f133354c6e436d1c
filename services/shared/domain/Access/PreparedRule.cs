namespace EventAuth.Domain.Access;

/// <summary>A rule in the form that is asked for every request.</summary>
internal sealed class PreparedRule
{
    private readonly string _path;
    private readonly string[] _methods;
    private readonly Audience _audience;
    private readonly string[] _scopes;

    public PreparedRule(AccessRule rule, IReadOnlyDictionary<string, IReadOnlyList<string>> groups)
    {
        Rule = rule;
        _path = rule.PathPrefix.TrimEnd('/');
        _methods = [.. rule.Methods.Select(m => m.ToUpperInvariant())];
        _audience = new Audience(rule, groups);
        _scopes = [.. rule.Scopes];
    }

    /// <summary>As the file has it.</summary>
    public AccessRule Rule { get; }

    public AccessLevel Access => Rule.Access;

    public bool SpeaksOf(string method, ReadOnlySpan<char> path) =>
        (_methods.Length == 0 || _methods.AsSpan().Contains(method)) && IsBelow(path);

    public bool Includes(Identity identity) => _audience.Includes(identity);

    /// <summary>Whether a token has every scope that the rule demands.</summary>
    public bool IsWithin(IReadOnlyList<string> scopes)
    {
        // By index, as everywhere on this path: no enumerator is allocated.
        for (var i = 0; i < _scopes.Length; i++)
        {
            if (!Contains(scopes, _scopes[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Contains(IReadOnlyList<string> scopes, string wanted)
    {
        for (var i = 0; i < scopes.Count; i++)
        {
            if (string.Equals(scopes[i], wanted, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsBelow(ReadOnlySpan<char> path) =>
        path.StartsWith(_path, StringComparison.Ordinal) && (path.Length == _path.Length || path[_path.Length] == '/');
}
