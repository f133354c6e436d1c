using System.Buffers.Text;
using System.Security.Cryptography;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Domain.Sessions;
using EventAuth.Gateway.Cache;
using EventAuth.Gateway.Cookies;
using Microsoft.Extensions.Primitives;

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
    StoreGrace grace,
    FeedFollower feed,
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
            return DecideAsync(http, request, view.IsLoaded ? NoSession : default, hadCookie: cookie == CookieReading.Malformed);
        }

        var id = SessionId.OfSecret(secret);
        return http.Request.Headers.TryGetValue(MinPosition.Header, out var position)
            ? AnswerFromAsync(http, request, id, position)
            : AnswerAsync(http, request, id, mayUseGrace: true);
    }

    private static SessionLookup NoSession => new(SessionKnowledge.Unknown, default, null, 0);

    private Task AnswerAsync(HttpContext http, in ForwardedRequest request, SessionId id, bool mayUseGrace)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        return reader.TryRecall(id, now, out var known)
            ? AnswerKnownAsync(http, request, id, known, now)
            : ReadAndAnswerAsync(http, request, id, mayUseGrace);
    }

    // The decision must know of everything up to a position. Where the rule alone decides there is nothing to know.
    private async Task AnswerFromAsync(HttpContext http, ForwardedRequest request, SessionId id, StringValues header)
    {
        if (RuleAloneDecides(request))
        {
            await AnswerAsync(http, request, id, mayUseGrace: true);
        }
        else if (!MinPosition.TryRead(header, out var position))
        {
            await RefuseAsync(http, AccessDecision.Deny.Because(DenyReason.MalformedPosition), request, hadCookie: false);
        }
        else if (await RecallOrReadAsync(id) is { Knowledge: SessionKnowledge.Unknown or SessionKnowledge.Over } known)
        {
            // Over stays over: nobody without a session makes the feed be read.
            await DecideAsync(http, request, known, hadCookie: true);
        }
        else if (await feed.ReachAsync(position))
        {
            await AnswerAsync(http, request, id, mayUseGrace: false);
        }
        else
        {
            await RefuseAsync(http, AccessDecision.PositionNotReached.Instance, request, hadCookie: false);
        }
    }

    private async ValueTask<SessionLookup> RecallOrReadAsync(SessionId id)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        return reader.TryRecall(id, now, out var known) || !view.IsLoaded ? known : await reader.ReadAsync(id);
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

        return DecideAsync(http, request, known, hadCookie: true);
    }

    private async Task ReadAndAnswerAsync(HttpContext http, ForwardedRequest request, SessionId id, bool mayUseGrace)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        SessionLookup known = default;
        if (view.IsLoaded)
        {
            var now = clock.GetUtcNow().ToUnixTimeSeconds();

            // While it is known that the store is away, nobody waits for its time limit.
            var inGrace = mayUseGrace && grace.StoreAway && reader.TryRecallInGrace(id, now, out known);
            known = inGrace ? known : await reader.ReadAsync(id);
            now = clock.GetUtcNow().ToUnixTimeSeconds();
            if (known.Knowledge == SessionKnowledge.Unavailable && mayUseGrace)
            {
                _ = reader.TryRecallInGrace(id, now, out known);
            }

            if (known.Knowledge == SessionKnowledge.Live)
            {
                cache.Seen(id, now);
                if (!known.InGrace && Renew(known, now))
                {
                    await RenewAndAnswerAsync(http, request, known);
                    return;
                }
            }
        }

        await DecideAsync(http, request, known, hadCookie: true);
    }

    private async Task RenewAndAnswerAsync(HttpContext http, ForwardedRequest request, SessionLookup known)
    {
        // Where the rules alone decide, nobody waits for the IdP.
        if (RuleAloneDecides(request))
        {
            await DecideAsync(http, request, default, hadCookie: false);
            return;
        }

        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var startedAt = clock.GetTimestamp();
        var renewed = await renewal.RenewAsync(known, OriginalRequest.KindOf(http.Request.Headers, request));
        await DecideAsync(http, request, renewed.ReadAt == 0 ? renewed with { ReadAt = startedAt } : renewed, hadCookie: true);
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

    private Task DecideAsync(HttpContext http, in ForwardedRequest request, in SessionLookup known, bool hadCookie)
    {
        var standing = Standing(known);
        var decision = AccessDecider.Decide(request, RequestKind.Unspecified, standing, settings.Policy);
        if (decision is AccessDecision.Allow or AccessDecision.AllowPublic)
        {
            return AllowAsync(http, request, known, decision);
        }

        // The form of a refusal depends on who waits for it.
        var kind = OriginalRequest.KindOf(http.Request.Headers, request);
        return RefuseAsync(http, AccessDecider.Decide(request, kind, standing, settings.Policy), request,
            hadCookie && standing.Kind is SessionStandingKind.None or SessionStandingKind.Ended);
    }

    private Task AllowAsync(HttpContext http, in ForwardedRequest request, in SessionLookup known, AccessDecision decision)
    {
        var shown = decision is AccessDecision.Allow ? known.Identity : null;
        AccessResponse.Allow(http, shown);
        log.Allowed(request.Method, request.Host, shown?.Identity.SubjectKey);

        // Last of all: this thread may have slept since the first look.
        if (decision is AccessDecision.Allow && !Holds(known))
        {
            http.Response.Clear();
            return known is { ReadAt: 0, InGrace: false }
                ? ReadAndAnswerAsync(http, request, known.Session.SessionId, mayUseGrace: false)
                : DecideAsync(http, request, default, hadCookie: true);
        }

        counts.Count(decision, known.InGrace);
        return Task.CompletedTask;
    }

    private async Task RefuseAsync(HttpContext http, AccessDecision decision, ForwardedRequest request, bool hadCookie)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var incident = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(6));
        counts.Count(decision);
        log.Refused(DecisionCounts.NameOf(decision), request.Method ?? "?", request.Host ?? "?", incident);
        await response.RefuseAsync(http, decision, request, hadCookie, incident);
    }

    private bool RuleAloneDecides(in ForwardedRequest request) =>
        AccessDecider.Decide(request, RequestKind.Unspecified, SessionStanding.Unknown, settings.Policy) is not AccessDecision.Unavailable;

    // An answer out of the database is as old as the moment the reading began, whoever began it, and has the same limit
    // as memory; but before the whole feed was read nothing counts.
    private bool Holds(in SessionLookup known) => view.LeaseHolds
        || (known.InGrace && grace.Holds)
        || (known.ReadAt != 0 && view.IsLoaded && clock.GetElapsedTime(known.ReadAt) <= settings.Revocation.Bound);

    private SessionStanding Standing(in SessionLookup known) => known.Knowledge switch
    {
        SessionKnowledge.Live => view.Ends(known.Session) ? SessionStanding.Ended : SessionStanding.Valid(known.Identity!.Identity),
        SessionKnowledge.Over => SessionStanding.Ended,
        SessionKnowledge.Unknown => SessionStanding.None,
        _ => SessionStanding.Unknown,
    };
}
