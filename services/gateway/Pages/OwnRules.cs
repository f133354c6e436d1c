using EventAuth.Adapters.Settings;
using EventAuth.Domain.Access;

namespace EventAuth.Gateway.Pages;

/// <summary>
/// Who may do on our own APIs what concerns others: the same rules as for every other place, asked about our public host,
/// never about the Host header. Only a rule written for our APIs makes administrators, by its own path, of those whom it
/// names: one that covers them by the way, the whole host for example, was written for an application there.
/// </summary>
internal sealed class OwnRules(EventAuthSettings settings)
{
    private static readonly string[] Places = ["/api/audit", "/api/everybody", "/api/sessions", "/api/subjects", "/api/tokens", "/revocations"];

    /// <summary>Whether a rule about our APIs names this visitor for a place there.</summary>
    public bool Admit(Visitor visitor, string method, string path) =>
        ForwardedRequest.TryParse(method, settings.PublicUrl.Scheme, Authority(settings.PublicUrl), path, out var request, out _)
        && settings.Policy.RuleOf(request) is { Access: AccessLevel.Restricted } rule && IsOurs(rule.PathPrefix)
        && AccessDecider.Decide(
            request, RequestKind.Api, SessionStanding.Valid(visitor.Identity), settings.Policy) is AccessDecision.Allow;

    private static bool IsOurs(string prefix) =>
        Places.Any(p => prefix == p || prefix.StartsWith(p + '/', StringComparison.Ordinal));

    private static string Authority(Uri url) => url.IsDefaultPort ? url.IdnHost : $"{url.IdnHost}:{url.Port}";
}
