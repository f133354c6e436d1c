using EventAuth.Contracts;
using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

/// <summary>The words in which the tests of this folder speak.</summary>
internal static class AccessSpec
{
    public const string Host = "app.example.test";
    public const string Issuer = "https://idp.example.test";

    private static readonly IReadOnlyDictionary<string, IReadOnlyList<string>> NoGroups =
        new Dictionary<string, IReadOnlyList<string>>();

    public static AccessPolicy Policy(params AccessRule[] rules) => Policy(NoGroups, rules);

    public static AccessPolicy Policy(IReadOnlyDictionary<string, IReadOnlyList<string>> groups, params AccessRule[] rules) =>
        AccessPolicy.TryBuild(rules, groups, out var policy, out var errors)
            ? policy
            : throw new InvalidOperationException(string.Join("; ", errors));

    public static IReadOnlyList<string> Errors(AccessRule rule) =>
        AccessPolicy.TryBuild([rule], NoGroups, out _, out var errors) ? [] : errors;

    public static AccessRule Public(string path) => new() { Host = Host, PathPrefix = path, Access = AccessLevel.Public };

    public static AccessRule Authenticated(string path = "/") =>
        new() { Host = Host, PathPrefix = path, Access = AccessLevel.Authenticated };

    public static AccessRule Restricted(string path = "/") =>
        new() { Host = Host, PathPrefix = path, Access = AccessLevel.Restricted };

    public static ForwardedRequest Request(string uri, string host = Host, string method = "GET") =>
        ForwardedRequest.TryParse(method, "https", host, uri, out var request, out var reason)
            ? request
            : throw new InvalidOperationException($"{method} {host}{uri} was refused: {reason.Id()}");

    public static Identity Person(
        string sub = "alice", string? email = null, string[]? groups = null, string[]? roles = null, string issuer = Issuer) =>
        new()
        {
            SubjectKey = new Subject(issuer, sub).Key,
            Issuer = issuer,
            Sub = sub,
            Email = email,
            Groups = groups ?? [],
            Roles = roles ?? [],
        };

    public static AccessDecision Ask(
        AccessPolicy policy, string uri, SessionStanding standing, RequestKind kind = RequestKind.Navigation,
        string host = Host, string method = "GET") =>
        AccessDecider.Decide(Request(uri, host, method), kind, standing, policy);

    /// <summary>What a request gets from its first byte on, malformed ones too.</summary>
    public static AccessDecision AskRaw(AccessPolicy policy, string? uri, string? host = Host, string? method = "GET") =>
        ForwardedRequest.TryParse(method, "https", host, uri, out var request, out var reason)
            ? AccessDecider.Decide(request, RequestKind.Navigation, SessionStanding.None, policy)
            : AccessDecision.Deny.Because(reason);
}
