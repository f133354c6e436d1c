using System.Buffers.Text;
using System.Security.Cryptography;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Domain.Sessions;
using EventAuth.Gateway.Bearer;
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
    BearerQuestions bearer,
    AccessResponse response,
    DecisionCounts counts,
    TimeProvider clock,
    ILogger<ForwardAuthEndpoint> log)
{
    public Task AnswerAsync(HttpContext http)
    {
        if (!OriginalRequest.TryRead(http, proxies, out var request, out var reason))
        {
            return RefuseAsync(http, AccessDecision.Deny.Because(reason), new Question(request, null), hadCookie: false);
        }

        if (!bearer.TryRead(http, out var token))
        {
            return AnswerAsync(http, new Question(request, null));
        }

        return bearer.TryRecall(http, token, out var known)
            ? AnswerAsync(http, new Question(request, known))
            : AskAndAnswerAsync(http, request, token);
    }

    private async Task AskAndAnswerAsync(HttpContext http, ForwardedRequest request, ReadOnlyMemory<char>? token)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var (lookup, refusal) = await bearer.AskAsync(http, request, token);
        var question = new Question(request, lookup);
        await (refusal is null ? AnswerAsync(http, question) : RefuseAsync(http, refusal, question, hadCookie: false));
    }

    private Task AnswerAsync(HttpContext http, in Question question)
    {
        Span<byte> secret = stackalloc byte[SessionId.SecretLength];
        var cookie = SessionCookie.TryRead(http.Request.Headers, settings.Session.CookieName, secret);
        if (cookie != CookieReading.Found)
        {
            return DecideAsync(http, question, view.IsLoaded ? NoSession : default, hadCookie: cookie == CookieReading.Malformed);
        }

        var id = SessionId.OfSecret(secret);
        return http.Request.Headers.TryGetValue(MinPosition.Header, out var position)
            ? AnswerFromAsync(http, question, id, position)
            : AnswerAsync(http, question, id, mayUseGrace: true);
    }

    private static SessionLookup NoSession => new(SessionKnowledge.Unknown, default, null, 0);

    private Task AnswerAsync(HttpContext http, in Question question, SessionId id, bool mayUseGrace)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        return reader.TryRecall(id, now, out var known)
            ? AnswerKnownAsync(http, question, id, known, now)
            : ReadAndAnswerAsync(http, question, id, mayUseGrace);
    }

    // The decision must know of everything up to a position. Where the rule alone decides there is nothing to know.
    private async Task AnswerFromAsync(HttpContext http, Question question, SessionId id, StringValues header)
    {
        if (RuleAloneDecides(question.Request))
        {
            await AnswerAsync(http, question, id, mayUseGrace: true);
        }
        else if (!MinPosition.TryRead(header, out var position))
        {
            await RefuseAsync(http, AccessDecision.Deny.Because(DenyReason.MalformedPosition), question, hadCookie: false);
        }
        else if (await RecallOrReadAsync(id) is { Knowledge: SessionKnowledge.Unknown or SessionKnowledge.Over } known)
        {
            // Over stays over: nobody without a session makes the feed be read.
            await DecideAsync(http, question, known, hadCookie: true);
        }
        else if (await feed.ReachAsync(position))
        {
            await AnswerAsync(http, question, id, mayUseGrace: false);
        }
        else
        {
            await RefuseAsync(http, AccessDecision.PositionNotReached.Instance, question, hadCookie: false);
        }
    }

    private async ValueTask<SessionLookup> RecallOrReadAsync(SessionId id)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        return reader.TryRecall(id, now, out var known) || !view.IsLoaded ? known : await reader.ReadAsync(id);
    }

    private Task AnswerKnownAsync(HttpContext http, in Question question, SessionId id, in SessionLookup known, long now)
    {
        if (known.Knowledge == SessionKnowledge.Live)
        {
            if (known.Session.SeenAt < now)
            {
                cache.Seen(id, now);
            }

            if (Renew(known, now))
            {
                return RenewAndAnswerAsync(http, question, known);
            }
        }

        return DecideAsync(http, question, known, hadCookie: true);
    }

    private async Task ReadAndAnswerAsync(HttpContext http, Question question, SessionId id, bool mayUseGrace)
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
                    await RenewAndAnswerAsync(http, question, known);
                    return;
                }
            }
        }

        await DecideAsync(http, question, known, hadCookie: true);
    }

    private async Task RenewAndAnswerAsync(HttpContext http, Question question, SessionLookup known)
    {
        // Where the rules alone decide, nobody waits for the IdP.
        if (RuleAloneDecides(question.Request))
        {
            await DecideAsync(http, question, default, hadCookie: false);
            return;
        }

        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var startedAt = clock.GetTimestamp();
        var renewed = await renewal.RenewAsync(known, OriginalRequest.KindOf(http.Request.Headers, question.Request));
        await DecideAsync(http, question, renewed.ReadAt == 0 ? renewed with { ReadAt = startedAt } : renewed, hadCookie: true);
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

    private Task DecideAsync(HttpContext http, in Question question, in SessionLookup known, bool hadCookie)
    {
        var standing = Standing(known);
        var decision = Decide(question, RequestKind.Unspecified, standing);
        if (decision is AccessDecision.Allow or AccessDecision.AllowPublic)
        {
            return AllowAsync(http, question, known, decision);
        }

        // The form of a refusal depends on who waits for it.
        var kind = OriginalRequest.KindOf(http.Request.Headers, question.Request);
        return RefuseAsync(http, Decide(question, kind, standing), question,
            hadCookie && standing.Kind is SessionStandingKind.None or SessionStandingKind.Ended);
    }

    private Task AllowAsync(HttpContext http, in Question question, in SessionLookup known, AccessDecision decision)
    {
        var shown = decision is not AccessDecision.Allow ? null : question.Token is TokenLookup.Verified token ? token.Identity : known.Identity;
        response.Allow(http, shown);
        log.Allowed(question.Request.Method, question.Request.Host, shown?.Identity.SubjectKey);

        // Last of all: this thread may have slept since the first look.
        if (decision is AccessDecision.Allow && question.Token is not null
            && !(bearer.Holds && (known.Knowledge != SessionKnowledge.Live || Holds(known))))
        {
            http.Response.Clear();
            return RefuseAsync(http, AccessDecision.Unavailable.Instance, question, hadCookie: false);
        }

        if (decision is AccessDecision.Allow && question.Token is null && !Holds(known))
        {
            http.Response.Clear();
            return known is { ReadAt: 0, InGrace: false }
                ? ReadAndAnswerAsync(http, question, known.Session.SessionId, mayUseGrace: false)
                : DecideAsync(http, question, default, hadCookie: true);
        }

        counts.Count(decision, known.InGrace);
        return Task.CompletedTask;
    }

    private async Task RefuseAsync(HttpContext http, AccessDecision decision, Question question, bool hadCookie)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var incident = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(6));
        counts.Count(decision);
        log.Refused(DecisionCounts.NameOf(decision), question.Request.Method ?? "?", question.Request.Host ?? "?", incident);
        await response.RefuseAsync(http, decision, question, hadCookie, incident);
    }

    private AccessDecision Decide(in Question question, RequestKind kind, SessionStanding standing) => question.Token is null
        ? AccessDecider.Decide(question.Request, kind, standing, settings.Policy)
        : bearer.Decide(question, standing);

    private bool RuleAloneDecides(in ForwardedRequest request) =>
        AccessDecider.Decide(request, RequestKind.Unspecified, SessionStanding.Unknown, settings.Policy) is not AccessDecision.Unavailable;

    // An answer out of the database is as old as the moment the reading began, whoever began it, and has the same limit
    // as memory; but before the whole feed was read nothing counts.
    private bool Holds(in SessionLookup known) => view.LeaseHolds
        || (known.InGrace && grace.Holds)
        || (known.ReadAt != 0 && view.IsLoaded && clock.GetElapsedTime(known.ReadAt) <= settings.Revocation.Bound);

    private SessionStanding Standing(in SessionLookup known) => known.Knowledge switch
    {
        SessionKnowledge.Live => view.Ends(known.Session)
            ? SessionStanding.EndedOf(new SubjectKey(known.Session.SubjectKey))
            : SessionStanding.Valid(known.Identity!.Identity),
        SessionKnowledge.Over when known.Session.Over || view.Ends(known.Session) => SessionStanding.EndedOf(new SubjectKey(known.Session.SubjectKey)),
        SessionKnowledge.Over => SessionStanding.Ended,
        SessionKnowledge.Unknown => SessionStanding.None,
        _ => SessionStanding.Unknown,
    };
}
