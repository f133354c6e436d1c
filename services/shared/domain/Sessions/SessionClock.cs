namespace EventAuth.Domain.Sessions;

/// <summary>What the passing of time asks for.</summary>
public enum SessionDue
{
    /// <summary>The absolute or the idle limit has passed.</summary>
    Expired = 0,

    /// <summary>The access token has expired: renew before answering.</summary>
    RefreshNow,

    /// <summary>The access token expires soon: renew while answering.</summary>
    RefreshSoon,

    /// <summary>Nothing.</summary>
    Nothing,
}

/// <summary>Time rules of a session.</summary>
public static class SessionClock
{
    /// <param name="lifetime">Life of the access token when it was issued; bounds the grace of short-lived tokens.</param>
    public static SessionDue Due(
        DateTimeOffset now, DateTimeOffset expiresAt, DateTimeOffset accessExpiresAt, TimeSpan grace, TimeSpan lifetime)
    {
        if (now >= expiresAt)
        {
            return SessionDue.Expired;
        }

        if (now >= accessExpiresAt)
        {
            return SessionDue.RefreshNow;
        }

        return now >= accessExpiresAt - EffectiveGrace(grace, lifetime) ? SessionDue.RefreshSoon : SessionDue.Nothing;
    }

    /// <summary>Whether nobody has used the session for longer than allowed; an allowance of zero is no limit.</summary>
    public static bool IsIdle(DateTimeOffset now, DateTimeOffset seenAt, TimeSpan allowance) =>
        allowance > TimeSpan.Zero && now - seenAt > allowance;

    // A grace as long as the token lives would renew on every request: never more than a quarter of its life.
    private static TimeSpan EffectiveGrace(TimeSpan grace, TimeSpan lifetime)
    {
        var quarter = lifetime / 4;
        return grace < quarter ? grace : quarter;
    }
}
