namespace EventAuth.Domain.Sessions;

/// <summary>How old the IdP's last word on a session is while it cannot be asked again. Gateways and workers count the same way.</summary>
public static class LastWord
{
    /// <summary>
    /// From when it counts: from when the IdP said it, but no earlier than one interval before the first question that went
    /// without an answer. Before that nobody asked, and a rest is no outage.
    /// </summary>
    /// <param name="unansweredAt">When that question was; null: there was none since the last word.</param>
    public static DateTimeOffset CountsFrom(DateTimeOffset verifiedAt, DateTimeOffset? unansweredAt, TimeSpan interval) =>
        unansweredAt is { } at && at - interval > verifiedAt ? at - interval : verifiedAt;

    /// <summary>
    /// Until when it counts while nobody can even ask: at least until the next answer is due, and where failures are allowed
    /// for as long as they are. A rest is no excuse here, because no question will find out.
    /// </summary>
    /// <param name="answerDue">When the next answer would have to be there at the latest.</param>
    /// <param name="allowed">How long a last word counts without another; zero: failures end a session.</param>
    public static DateTimeOffset CountsUntil(DateTimeOffset verifiedAt, DateTimeOffset answerDue, TimeSpan allowed) =>
        verifiedAt + allowed > answerDue ? verifiedAt + allowed : answerDue;
}
