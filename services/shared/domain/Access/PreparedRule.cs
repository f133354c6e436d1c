namespace EventAuth.Domain.Access;

/// <summary>A rule in the form that is asked for every request.</summary>
internal sealed class PreparedRule
{
    private readonly string _path;
    private readonly string[] _methods;
    private readonly Audience _audience;

    public PreparedRule(AccessRule rule, IReadOnlyDictionary<string, IReadOnlyList<string>> groups)
    {
        Rule = rule;
        _path = rule.PathPrefix.TrimEnd('/');
        _methods = [.. rule.Methods.Select(m => m.ToUpperInvariant())];
        _audience = new Audience(rule, groups);
    }

    /// <summary>As the file has it.</summary>
    public AccessRule Rule { get; }

    public AccessLevel Access => Rule.Access;

    public bool SpeaksOf(string method, ReadOnlySpan<char> path) =>
        (_methods.Length == 0 || _methods.AsSpan().Contains(method)) && IsBelow(path);

    public bool Includes(Identity identity) => _audience.Includes(identity);

    private bool IsBelow(ReadOnlySpan<char> path) =>
        path.StartsWith(_path, StringComparison.Ordinal) && (path.Length == _path.Length || path[_path.Length] == '/');
}
