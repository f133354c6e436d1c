using EventAuth.Adapters.Settings;
using EventAuth.Domain.Access;

namespace EventAuth.Gateway.Pages;

/// <summary>
/// Who may do on our own APIs what concerns others: the same rules as for every other place, asked about our public host,
/// never about the Host header. A rule that lets in everybody who is signed in makes nobody an administrator: it was
/// written for an application on the same host. Only a rule that names people, groups or roles does.
/// </summary>
internal sealed class OwnRules(EventAuthSettings settings)
{
    private static readonly Identity Stranger = new() { SubjectKey = default, Issuer = "", Sub = "" };

    /// <summary>Whether a rule names this visitor for a place of ours.</summary>
    public bool Admit(Visitor visitor, string method, string path) =>
        ForwardedRequest.TryParse(method, settings.PublicUrl.Scheme, Authority(settings.PublicUrl), path, out var request, out _)
        && Allows(request, visitor.Identity) && !Allows(request, Stranger);

    private bool Allows(in ForwardedRequest request, Identity identity) =>
        AccessDecider.Decide(request, RequestKind.Api, SessionStanding.Valid(identity), settings.Policy) is AccessDecision.Allow;

    private static string Authority(Uri url) => url.IsDefaultPort ? url.IdnHost : $"{url.IdnHost}:{url.Port}";
}
