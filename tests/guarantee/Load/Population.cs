using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Load;

/// <summary>A session that the run asks about.</summary>
/// <param name="Cookie">As in a Cookie header.</param>
internal sealed record Subscriber(SessionTrace Trace, string Cookie);

/// <summary>Who is signed in, and who was.</summary>
internal sealed class Population
{
    private readonly Lock _lock = new();
    private readonly List<Subscriber> _live = [];
    private readonly List<Subscriber> _gone = [];
    private int _liveTurn;
    private int _goneTurn;

    public int Live
    {
        get
        {
            lock (_lock)
            {
                return _live.Count;
            }
        }
    }

    public IReadOnlyList<Subscriber> Everybody
    {
        get
        {
            lock (_lock)
            {
                return [.. _live, .. _gone];
            }
        }
    }

    public void Add(Subscriber subscriber)
    {
        lock (_lock)
        {
            _live.Add(subscriber);
        }
    }

    /// <summary>One session that is about to be revoked; null when there are few left.</summary>
    /// <param name="atLeast">So many stay.</param>
    public Subscriber? TakeOne(Dice dice, int atLeast)
    {
        lock (_lock)
        {
            if (_live.Count <= atLeast)
            {
                return null;
            }

            var chosen = _live[dice.Below(_live.Count)];
            return Remove(s => s == chosen).Single();
        }
    }

    /// <summary>Every session of one person.</summary>
    public List<Subscriber> TakePerson(string sub)
    {
        lock (_lock)
        {
            return Remove(s => s.Trace.Sub == sub);
        }
    }

    /// <summary>The next in turn of those that live; null when nobody does.</summary>
    public Subscriber? NextLive() => Next(_live, ref _liveTurn);

    /// <summary>The next in turn of those that were revoked.</summary>
    public Subscriber? NextGone() => Next(_gone, ref _goneTurn);

    private Subscriber? Next(List<Subscriber> of, ref int turn)
    {
        lock (_lock)
        {
            return of.Count == 0 ? null : of[++turn % of.Count];
        }
    }

    private List<Subscriber> Remove(Func<Subscriber, bool> which)
    {
        var taken = _live.Where(which).ToList();
        _live.RemoveAll(taken.Contains);
        _gone.AddRange(taken);
        return taken;
    }
}
