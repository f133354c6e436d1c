namespace EventAuth.Domain.Access;

/// <summary>Whom a rule lets pass. Zero, a forgotten setting, is nobody.</summary>
public enum AccessLevel
{
    Deny = 0,
    Public,
    Authenticated,
    Restricted,
}

/// <summary>
/// One rule as the file has it. It speaks of requests whose host, path and method all match; the first rule that
/// matches decides. It never looks at the query or at other headers.
/// </summary>
public sealed record AccessRule
{
    /// <summary><c>app.example.test</c>, or <c>*.example.test</c>: one or more labels below, never the domain itself.</summary>
    public required string Host { get; init; }

    /// <summary>Whole segments, case matters: <c>/public</c> is <c>/public</c> and <c>/public/x</c>, not <c>/publicx</c>.</summary>
    public string PathPrefix { get; init; } = "/";

    /// <summary>Empty: any method. GET does not include HEAD.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    public AccessLevel Access { get; init; }

    /// <summary>
    /// <c>alice</c>: this sub at any IdP. <c>bob@example.test</c>: this verified address.
    /// <c>https://idp.example.test#alice</c>: this sub at this IdP, the form to use with several IdPs.
    /// </summary>
    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>Domains of verified addresses; sub-domains are other domains.</summary>
    public IReadOnlyList<string> EmailDomains { get; init; } = [];

    /// <summary>Groups the IdP tells, or groups of the file.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>
    /// Scopes (RFC 6749, 3.3) that an access token must have, all of them, beside belonging to somebody whom the rule lets
    /// in. Sessions have none and need none.
    /// </summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>The rule in one line of text; <paramref name="replaceAddress"/> stands in for every user with an '@'.</summary>
    public string Describe(Func<string, string> replaceAddress)
    {
        ArgumentNullException.ThrowIfNull(replaceAddress);
        string[] parts =
        [
            Host + PathPrefix,
            .. Part("methods", Methods),
            Access.ToString().ToLowerInvariant(),
            .. Part("users", [.. Users.Select(u => Anonymous(u, replaceAddress))]),
            .. Part("emailDomains", EmailDomains),
            .. Part("groups", Groups),
            .. Part("roles", Roles),
            .. Part("scopes", Scopes),
        ];
        return string.Join(' ', parts);
    }

    internal static string Anonymous(string person, Func<string, string> replaceAddress) =>
        person.Contains('@') ? replaceAddress(person) : person;

    private static IEnumerable<string> Part(string name, IReadOnlyList<string> values) =>
        values.Count == 0 ? [] : [$"{name}={string.Join(',', values)}"];
}
