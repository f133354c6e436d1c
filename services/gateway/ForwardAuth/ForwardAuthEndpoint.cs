using System.Buffers.Text;
using System.Security.Cryptography;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Domain.Sessions;
using EventAuth.Gateway.Cache;
using EventAuth.Gateway.Cookies;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>
/// The proxy's question: read → load → decide → answer. The way of a known session reads memory only and never waits;
/// everything slow leaves the connection's thread first.
/// </summary>
internal sealed class ForwardAuthEndpoint(
    EventAuthSettings settings,
    TrustedProxies proxies,
    SessionReader reader,
    SessionRenewal renewal,
    SessionCache cache,
    RevocationView view,
    AccessResponse response,
    DecisionCounts counts,
    TimeProvider clock,
    ILogger<ForwardAuthEndpoint> log)
{
    public Task AnswerAsync(HttpContext http)
    {
        if (!OriginalRequest.TryRead(http, proxies, out var request, out var reason))
        {
            return RefuseAsync(http, AccessDecision.Deny.Because(reason), request, hadCookie: false);
        }

        Span<byte> secret = stackalloc byte[SessionId.SecretLength];
        var cookie = SessionCookie.TryRead(http.Request.Headers, settings.Session.CookieName, secret);
        if (cookie != CookieReading.Found)
        {
            return DecideAsync(http, request, SessionStanding.None, null, hadCookie: cookie == CookieReading.Malformed);
        }

        var id = SessionId.OfSecret(secret);
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        return reader.TryRecall(id, now, out var known)
            ? AnswerKnownAsync(http, request, id, known, now)
            : ReadAndAnswerAsync(http, request, id);
    }

    private Task AnswerKnownAsync(HttpContext http, in ForwardedRequest request, SessionId id, in SessionLookup known, long now)
    {
        if (known.Knowledge == SessionKnowledge.Live)
        {
            if (known.Session.SeenAt < now)
            {
                cache.Seen(id, now);
            }

            if (Renew(known, now))
            {
                return RenewAndAnswerAsync(http, request, known);
            }
        }

        // Looked at again after all work: this thread may have slept since the first look.
        return view.LeaseHolds
            ? DecideAsync(http, request, Standing(known), known.Identity, hadCookie: true)
            : ReadAndAnswerAsync(http, request, id);
    }

    private async Task ReadAndAnswerAsync(HttpContext http, ForwardedRequest request, SessionId id)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var known = await reader.ReadAsync(id);
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        if (known.Knowledge == SessionKnowledge.Live)
        {
            cache.Seen(id, now);
            if (Renew(known, now))
            {
                await RenewAndAnswerAsync(http, request, known);
                return;
            }
        }

        await DecideAsync(http, request, FreshStanding(known), known.Identity, hadCookie: true);
    }

    private async Task RenewAndAnswerAsync(HttpContext http, ForwardedRequest request, SessionLookup known)
    {
        // Where the rules alone decide, nobody waits for the IdP.
        if (AccessDecider.Decide(request, RequestKind.Unspecified, SessionStanding.Unknown, settings.Policy) is not AccessDecision.Unavailable)
        {
            await DecideAsync(http, request, SessionStanding.Unknown, null, hadCookie: false);
            return;
        }

        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var startedAt = clock.GetTimestamp();
        var renewed = await renewal.RenewAsync(known, OriginalRequest.KindOf(http.Request.Headers, request));
        renewed = renewed.ReadAt == 0 ? renewed with { ReadAt = startedAt } : renewed;
        await DecideAsync(http, request, FreshStanding(renewed), renewed.Identity, hadCookie: true);
    }

    // True when the tokens must be renewed before answering; starts a renewal behind the answer when they soon must be.
    private bool Renew(in SessionLookup known, long now)
    {
        var due = renewal.Due(known.Session);
        if (due == SessionDue.RefreshSoon)
        {
            renewal.StartInBackground(known.Session, now);
        }

        return due == SessionDue.RefreshNow;
    }

    private Task DecideAsync(HttpContext http, in ForwardedRequest request, SessionStanding standing, CachedIdentity? identity, bool hadCookie)
    {
        var decision = AccessDecider.Decide(request, RequestKind.Unspecified, standing, settings.Policy);
        if (decision is AccessDecision.Allow or AccessDecision.AllowPublic)
        {
            var known = decision is AccessDecision.Allow ? identity : null;
            AccessResponse.Allow(http, known);
            counts.Count(decision);
            log.Allowed(request.Method, request.Host, known?.Identity.SubjectKey);
            return Task.CompletedTask;
        }

        // The form of a refusal depends on who waits for it.
        var kind = OriginalRequest.KindOf(http.Request.Headers, request);
        return RefuseAsync(http, AccessDecider.Decide(request, kind, standing, settings.Policy), request,
            hadCookie && standing.Kind is SessionStandingKind.None or SessionStandingKind.Ended);
    }

    private async Task RefuseAsync(HttpContext http, AccessDecision decision, ForwardedRequest request, bool hadCookie)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var incident = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(6));
        counts.Count(decision);
        log.Refused(DecisionCounts.NameOf(decision), request.Method ?? "?", request.Host ?? "?", incident);
        await response.RefuseAsync(http, decision, request, hadCookie, incident);
    }

    // An answer out of the database is as old as the moment the reading began, whoever began it, and has the same limit
    // as memory.
    private SessionStanding FreshStanding(in SessionLookup known) =>
        view.LeaseHolds || clock.GetElapsedTime(known.ReadAt) <= settings.Revocation.Bound
            ? Standing(known)
            : SessionStanding.Unknown;

    private SessionStanding Standing(in SessionLookup known) => known.Knowledge switch
    {
        SessionKnowledge.Live => view.Ends(known.Session) ? SessionStanding.Ended : SessionStanding.Valid(known.Identity!.Identity),
        SessionKnowledge.Over => SessionStanding.Ended,
        SessionKnowledge.Unknown => SessionStanding.None,
        _ => SessionStanding.Unknown,
    };
}
