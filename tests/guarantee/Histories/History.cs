namespace EventAuth.Guarantee.Histories;

/// <summary>Everything that a run saw from outside; what the checker judges.</summary>
internal sealed class History
{
    private readonly Lock _lock = new();

    /// <summary>By <see cref="SessionTrace.Id"/>, which counts from 0.</summary>
    public List<SessionTrace> Sessions { get; } = [];

    public List<Ask> Asks { get; } = [];

    /// <summary>Asked when all was healed: every session on every replica.</summary>
    public List<Ask> FinalAsks { get; } = [];

    public List<RevocationTrace> Revocations { get; } = [];

    public List<WrongToken> WrongTokens { get; } = [];

    public List<FaultWindow> Windows { get; } = [];

    /// <summary>Null when the world does not let us look inside.</summary>
    public FinalState? Final { get; set; }

    public int Replicas { get; init; } = 2;

    public void Add(in Ask ask, bool final = false)
    {
        lock (_lock)
        {
            (final ? FinalAsks : Asks).Add(ask);
        }
    }

    public void Add(RevocationTrace revocation)
    {
        lock (_lock)
        {
            Revocations.Add(revocation);
        }
    }

    public void Add(WrongToken token)
    {
        lock (_lock)
        {
            WrongTokens.Add(token);
        }
    }

    public void Add(FaultWindow window)
    {
        lock (_lock)
        {
            Windows.Add(window);
        }
    }

    /// <summary>Gives a new session its number.</summary>
    public SessionTrace Begin(string sub, string sid, long begun, long signedIn)
    {
        lock (_lock)
        {
            var session = new SessionTrace(Sessions.Count, sub, sid, begun, signedIn);
            Sessions.Add(session);
            return session;
        }
    }

    /// <summary>Asks, refusals and acknowledged revocations so far, for the line of progress.</summary>
    public (int Asks, int Revocations) Count()
    {
        lock (_lock)
        {
            return (Asks.Count, Revocations.Count(r => r.Acked is not null));
        }
    }
}
