using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Domain.Sessions;
using EventAuth.Gateway.Cache;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>Keeps the upstream tokens of sessions in use fresh: ahead of time in the background, in line only when expired.</summary>
internal sealed class SessionRenewal(
    RefreshSession refresh, SessionReader reader, SessionCache cache, EventAuthSettings settings, TimeProvider clock, ILogger<SessionRenewal> log)
{
    private const int SecondsBetweenTries = 5;

    public SessionDue Due(in CachedSession session) => SessionClock.Due(
        clock.GetUtcNow(), DateTimeOffset.FromUnixTimeSeconds(session.ExpiresAt),
        DateTimeOffset.FromUnixTimeSeconds(session.AccessExpiresAt), session.Refreshable ? settings.Refresh.Grace : TimeSpan.Zero,
        TimeSpan.FromSeconds(session.AccessExpiresAt - session.TokensAt));

    /// <summary>Starts a refresh that nobody waits for, at most every few seconds per session.</summary>
    public void StartInBackground(in CachedSession session, long now)
    {
        if (now - session.RefreshTriedAt < SecondsBetweenTries)
        {
            return;
        }

        cache.RefreshTried(session.SessionId, now);
        var (id, version) = (session.SessionId, session.TokenVersion);
        _ = Task.Run(async () =>
        {
            try
            {
                await refresh.RunAsync(id, version, RefreshCaller.Gateway);
                await reader.ReadAsync(id);
            }
            catch (Exception e)
            {
                // The session is served until its token expires; then a request waits for the next try.
                log.BackgroundRefreshFailed(id, e.GetType().Name);
            }
        });
    }

    /// <summary>Renews an expired access token and reads the session again.</summary>
    public Task<SessionLookup> RenewAsync(SessionLookup known, RequestKind kind) => RenewAsync(known, kind, mayRepeat: true);

    private async Task<SessionLookup> RenewAsync(SessionLookup known, RequestKind kind, bool mayRepeat)
    {
        var session = known.Session;
        if (!session.Refreshable || IsTooOld(session, kind))
        {
            // Without a way to ask the IdP, only a new login can tell whether the person is still welcome.
            return known with { Knowledge = SessionKnowledge.Over };
        }

        try
        {
            return await refresh.RunAsync(session.SessionId, session.TokenVersion, RefreshCaller.Gateway) switch
            {
                RefreshOutcome.Renewed { Tokens: null } when mayRepeat => await OthersTokensAsync(session.SessionId, kind),
                RefreshOutcome.Renewed => await reader.ReadAsync(session.SessionId),
                RefreshOutcome.Ended or RefreshOutcome.NoRefreshToken or RefreshOutcome.Unusable =>
                    known with { Knowledge = SessionKnowledge.Over },
                RefreshOutcome.Failed failed => known with { Knowledge = Unverified(failed.CountsFrom) },
                _ => known with { Knowledge = Unverified(DateTimeOffset.FromUnixTimeSeconds(session.VerifiedAt)) },
            };
        }
        catch (Exception e) when (e is StoreUnavailableException or StreamConflictException)
        {
            log.RenewalUnknown(session.SessionId, e.InnerException?.Message ?? e.Message);
            return known with { Knowledge = SessionKnowledge.Unavailable };
        }
    }

    // What others stored may have expired, too, since this gateway last heard of it.
    private async Task<SessionLookup> OthersTokensAsync(SessionId id, RequestKind kind)
    {
        var renewed = await reader.ReadAsync(id);
        return renewed.Knowledge == SessionKnowledge.Live && Due(renewed.Session) == SessionDue.RefreshNow
            ? await RenewAsync(renewed, kind, mayRepeat: false)
            : renewed;
    }

    // A dashboard left open over night must not hammer the IdP with a token that died long ago (zero: no limit).
    private bool IsTooOld(in CachedSession session, RequestKind kind) =>
        kind != RequestKind.Navigation && settings.Refresh.MaxTokenAge > TimeSpan.Zero
        && clock.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(session.TokensAt) > settings.Refresh.MaxTokenAge;

    // The IdP could not say. How long its last word counts is the operator's choice; the revalidator ends what we only refuse.
    private SessionKnowledge Unverified(DateTimeOffset countsFrom) =>
        settings.Revalidation.OnFailure == OnFailure.Allow
        && (settings.Revalidation.MaxUnverifiedAge == TimeSpan.Zero || clock.GetUtcNow() - countsFrom < settings.Revalidation.MaxUnverifiedAge)
            ? SessionKnowledge.Live
            : SessionKnowledge.Unavailable;
}
