using EventAuth.Adapters.Settings;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Bearer;
using EventAuth.Gateway.Cache;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>
/// Requests with an access token. One that was checked before is in memory, like a session; everything else leaves the
/// connection's thread. A token's revocations are in the feed only, so nothing is let in by a token while the feed was not
/// read recently enough.
/// </summary>
internal sealed class BearerQuestions(
    TokenReader tokens, TrustedProxies proxies, RevocationView view, StoreGrace grace, FeedFollower feed, EventAuthSettings settings, TimeProvider clock)
{
    private static readonly TokenLookup Unchecked = new TokenLookup.Unavailable("unchecked", null);

    /// <summary>Whether what is known of revocations is fresh enough for tokens. Ask it last, just before answering.</summary>
    public bool Holds => view.LeaseHolds || grace.Holds;

    /// <summary>True when there is a token to look at; it is null when there are several headers.</summary>
    public bool TryRead(HttpContext http, out ReadOnlyMemory<char>? token)
    {
        token = null;
        if (!tokens.Enabled)
        {
            return false;
        }

        var reading = BearerHeader.Read(http.Request.Headers.Authorization, out var text);
        token = reading == BearerReading.Found ? text : null;
        return reading != BearerReading.None;
    }

    /// <summary>From memory, without waiting. False: use <see cref="AskAsync"/>.</summary>
    public bool TryRecall(HttpContext http, ReadOnlyMemory<char>? token, out TokenLookup? known)
    {
        known = null;
        return token is { } text && view.LeaseHolds && !http.Request.Headers.ContainsKey(MinPosition.Header) && tokens.TryRecall(text, out known);
    }

    /// <summary>Finds out about a token, or why nothing is to be found out.</summary>
    public async Task<(TokenLookup? Token, AccessDecision? Refusal)> AskAsync(HttpContext http, ForwardedRequest request, ReadOnlyMemory<char>? token)
    {
        if (token is not { } text)
        {
            return (null, AccessDecision.Deny.Because(DenyReason.SeveralCredentials));
        }

        // Where nobody may pass, no token is looked at.
        if (Decide(new Question(request, Unchecked), SessionStanding.Unknown) is AccessDecision.Deny closed)
        {
            return (null, closed);
        }

        if (await ReachAsync(http) is { } late)
        {
            return (null, late);
        }

        var known = tokens.TryRecall(text, out var recalled) ? recalled : await tokens.CheckAsync(text, ClientAddress.Of(http.Request.Headers, proxies));
        return (known is TokenLookup.Verified && !await feed.FreshenAsync() && !grace.Holds ? Unchecked : known, null);
    }

    /// <summary>The decision about token and session together.</summary>
    public AccessDecision Decide(in Question question, SessionStanding session) =>
        AccessDecider.Decide(question.Request, session, question.StandingOfToken(clock.GetUtcNow(), view), settings.Policy) switch
        {
            AccessDecision.InvalidToken when question.Token is TokenLookup.Penalised => AccessDecision.TooManyFailures.Instance,
            var decision => decision,
        };

    private async Task<AccessDecision?> ReachAsync(HttpContext http)
    {
        if (!http.Request.Headers.TryGetValue(MinPosition.Header, out var header))
        {
            return null;
        }

        if (!MinPosition.TryRead(header, out var position))
        {
            return AccessDecision.Deny.Because(DenyReason.MalformedPosition);
        }

        return await feed.ReachAsync(position) ? null : AccessDecision.PositionNotReached.Instance;
    }
}
