namespace EventAuth.Guarantee.Histories;

/// <summary>What a replica said about a session.</summary>
internal enum Verdict : byte
{
    /// <summary>Something that no replica should ever say.</summary>
    Other = 0,
    Allow,

    /// <summary>401: there is no such session, or it is over.</summary>
    Refused,

    /// <summary>503, or no answer at all.</summary>
    Unknown,
}

/// <summary>One question and its answer. Times as in <see cref="Monotonic"/>; the start is taken before the request is sent.</summary>
/// <param name="Status">HTTP status; 0 when there was no answer.</param>
internal readonly record struct Ask(int Session, byte Replica, Verdict Verdict, short Status, long Start, long End)
{
    public static Verdict VerdictOf(int status) => status switch
    {
        200 => Verdict.Allow,
        401 => Verdict.Refused,
        0 or 503 => Verdict.Unknown,
        _ => Verdict.Other,
    };
}

/// <summary>A session as its browser knows it.</summary>
/// <param name="Begun">Before the first request of the sign-in.</param>
/// <param name="SignedIn">After the answer that brought the cookie.</param>
internal sealed record SessionTrace(int Id, string Sub, string Sid, long Begun, long SignedIn);

/// <summary>A logout token that went to the webhook until it was answered 200 or the IdP gave up.</summary>
/// <param name="Sid">Null: every session of the person.</param>
/// <param name="Acked">When the client saw the first 200; null: never.</param>
internal sealed record RevocationTrace(string Sub, string? Sid, string Jti, long FirstSent, long? Acked)
{
    /// <summary>Whether it names this session, whenever that began.</summary>
    public bool Names(SessionTrace session) => session.Sub == Sub && (Sid is null || Sid == session.Sid);

    /// <summary>Certain from outside: the session was there before the token was sent for the first time.</summary>
    public bool Covers(SessionTrace session) => Names(session) && session.SignedIn <= FirstSent;

    /// <summary>Possible from outside: the session did not begin after the acknowledgement.</summary>
    public bool MayCover(SessionTrace session) => Names(session) && !(Acked < session.Begun);
}

/// <summary>A token that must be refused, and the answer's status (0: none).</summary>
internal sealed record WrongToken(string Jti, string Wrong, int Status);

/// <summary>A time during which something was broken.</summary>
/// <param name="Replica">Whom it hit; null: all.</param>
/// <param name="Loosens">Whether the bound is Y instead of X meanwhile.</param>
/// <param name="Excuses">Whether replicas may answer 503, or not at all.</param>
/// <param name="To">When it was healed: servers answer, restarted services are ready.</param>
internal sealed record FaultWindow(string Fault, int? Replica, bool Loosens, bool Excuses, long From, long To);

/// <summary>What the store and the replicas say after everything was healed.</summary>
/// <param name="EventsByJti">How many events of the record name each logout token.</param>
/// <param name="AuditedJti">The tokens that the audit API lists; null when it was not asked.</param>
/// <param name="Live">Sessions that the store lets live.</param>
/// <param name="Applied">Each replica's applied position.</param>
internal sealed record FinalState(
    IReadOnlyDictionary<string, int> EventsByJti, IReadOnlySet<string>? AuditedJti, IReadOnlySet<int> Live, long Head,
    IReadOnlyList<long> Applied);
