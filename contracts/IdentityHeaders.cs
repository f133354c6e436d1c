namespace EventAuth.Contracts;

/// <summary>
/// Headers by which the application learns who asks. Every answer that allows sets all of them, empty where nothing
/// is known: a proxy then replaces whatever the client sent, and Caddy never passes on a placeholder.
/// </summary>
public static class IdentityHeaders
{
    public const string User = "X-Forwarded-User";
    public const string UserEmail = "X-Forwarded-User-Email";
    public const string UserName = "X-Forwarded-User-Name";
    public const string UserGroups = "X-Forwarded-User-Groups";
    public const string Groups = "X-User-Groups";
    public const string Roles = "X-User-Roles";
    public const string AuthRequestUser = "X-Auth-Request-User";
    public const string AuthRequestEmail = "X-Auth-Request-Email";
    public const string AuthRequestGroups = "X-Auth-Request-Groups";

    /// <summary>The full list, for proxies' configurations and for tests.</summary>
    public static readonly IReadOnlyList<string> All =
        [User, UserEmail, UserName, UserGroups, Groups, Roles, AuthRequestUser, AuthRequestEmail, AuthRequestGroups];
}
