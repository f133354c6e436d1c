using EventAuth.Domain.Access;

namespace EventAuth.Adapters.Settings;

/// <summary>Reads <c>rules</c> and <c>groups</c>.</summary>
internal static class PolicySettings
{
    public static AccessPolicy Read(SettingsReader r)
    {
        var rules = r.Children("rules").Select(i => Rule(r, $"rules.{i}")).ToList();
        var groups = r.Children("groups").ToDictionary(g => g, g => r.List($"groups.{g}"), StringComparer.Ordinal);
        if (!AccessPolicy.TryBuild(rules, groups, out var policy, out var errors))
        {
            foreach (var error in errors)
            {
                r.Fail("rules", error);
            }
        }

        return policy;
    }

    private static AccessRule Rule(SettingsReader r, string path)
    {
        var rule = new AccessRule
        {
            Host = r.Required($"{path}.host", "a host name, or *.example.com"),
            PathPrefix = r.Text($"{path}.path", "/"),
            Methods = r.List($"{path}.methods"),
            Users = r.List($"{path}.users"),
            EmailDomains = r.List($"{path}.emailDomains"),
            Groups = r.List($"{path}.groups"),
            Roles = r.List($"{path}.roles"),
            Scopes = r.List($"{path}.scopes"),
        };
        var restricted = rule.Users.Count + rule.EmailDomains.Count + rule.Groups.Count + rule.Roles.Count > 0;
        if (!restricted && r.Optional($"{path}.access") is null)
        {
            r.Fail(path, "says neither access (public, authenticated, deny) nor whom it lets in (users, emailDomains, groups, roles)");
        }

        return rule with { Access = r.Choice($"{path}.access", restricted ? AccessLevel.Restricted : AccessLevel.Deny) };
    }
}
