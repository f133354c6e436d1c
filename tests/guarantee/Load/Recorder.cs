using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Load;

/// <summary>
/// Asks every replica about every session and writes down what they say: those that live and those that are gone in turn, and
/// without a pause those whose end is under way.
/// </summary>
internal sealed class Recorder : IDisposable
{
    private const int MaxInFlight = 600;

    // The rest is kept free for sessions whose end is under way: when a replica knows nothing and is slow to say so, these tell when.
    private const int MaxInFlightOfOthers = 200;
    private const int MaxInFlightOfWatch = 3;
    private const int RefusalsOfWatch = 3;
    private const double ShareOfGone = 0.25;
    private const double WatchedPerSecond = 1500;
    private const long WatchPause = 3 * Monotonic.Millisecond;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly IReadOnlyList<Uri> _replicas;
    private readonly Uri _publicUrl;
    private readonly double _perSecond;
    private readonly Population _population;
    private readonly History _history;
    private readonly HttpClient[] _http;
    private readonly int[] _inFlight;
    private readonly Lock _lock = new();
    private readonly List<Watch> _watches = [];
    private double _credit;
    private double _goneCredit;
    private int _turn;

    /// <param name="publicUrl">Where browsers believe to be.</param>
    /// <param name="perSecond">Questions per second, without those about sessions whose end is under way.</param>
    public Recorder(IReadOnlyList<Uri> replicas, Uri publicUrl, double perSecond, Population population, History history)
    {
        (_replicas, _publicUrl, _perSecond, _population, _history) = (replicas, publicUrl, perSecond, population, history);
        _http = [.. replicas.Select(_ => new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }))];
        _inFlight = new int[replicas.Count];
    }

    /// <summary>Asks about a session without a pause until every replica has refused it some times.</summary>
    /// <param name="until">Then at the latest; may be moved by <see cref="Watch.Until"/>.</param>
    public IReadOnlyList<Watch> Follow(Subscriber subscriber, long until)
    {
        List<Watch> watches = [.. Enumerable.Range(0, _replicas.Count).Select(r => new Watch(subscriber, r) { Until = until })];
        lock (_lock)
        {
            _watches.AddRange(watches);
        }

        return watches;
    }

    /// <summary>Asks every replica once, now: a new session is in every memory before anything happens to it.</summary>
    public void Introduce(Subscriber subscriber)
    {
        for (var r = 0; r < _replicas.Count; r++)
        {
            Send(subscriber, r, watch: null);
        }
    }

    public async Task RunAsync(CancellationToken ct)
    {
        var last = Monotonic.Now;
        while (!ct.IsCancellationRequested)
        {
            await Task.Delay(1, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var now = Monotonic.Now;

            // Never more than a tenth of a second's questions at once, however long we slept.
            var credit = Math.Min((now - last) / (double)Monotonic.Second, 0.1) * _perSecond;
            _credit += credit * (1 - ShareOfGone);
            _goneCredit += credit * ShareOfGone;
            last = now;
            for (; _credit >= 1; _credit--)
            {
                SendNext(_population.NextLive());
            }

            for (; _goneCredit >= 1; _goneCredit--)
            {
                SendNext(_population.NextGone());
            }

            SendWatched(now);
        }
    }

    /// <summary>Asks every replica about everybody, and waits for the answers.</summary>
    public async Task AskAllAsync(IEnumerable<Subscriber> subscribers, CancellationToken ct)
    {
        foreach (var chunk in subscribers.Chunk(16))
        {
            ct.ThrowIfCancellationRequested();
            await Task.WhenAll(chunk.SelectMany(s => Enumerable.Range(0, _replicas.Count).Select(r => AskAsync(s, r, watch: null, final: true))));
        }
    }

    public void Dispose() => Array.ForEach(_http, h => h.Dispose());

    private void SendNext(Subscriber? subscriber)
    {
        if (subscriber is not null)
        {
            Send(subscriber, ++_turn % _replicas.Count, watch: null);
        }
    }

    private void SendWatched(long now)
    {
        lock (_lock)
        {
            _watches.RemoveAll(w => w.Refusals >= RefusalsOfWatch || now > w.Until);
            var pause = Math.Max(WatchPause, (long)(_watches.Count * Monotonic.Second / WatchedPerSecond));
            foreach (var watch in _watches.Where(w => now - w.LastAsked >= pause && w.InFlight < MaxInFlightOfWatch))
            {
                watch.LastAsked = now;
                Send(watch.Subscriber, watch.Replica, watch);
            }
        }
    }

    private void Send(Subscriber subscriber, int replica, Watch? watch)
    {
        // A replica that stands still holds every question: the rest is not asked.
        if (Volatile.Read(ref _inFlight[replica]) < (watch is null ? MaxInFlightOfOthers : MaxInFlight))
        {
            _ = AskAsync(subscriber, replica, watch, final: false);
        }
    }

    private async Task AskAsync(Subscriber subscriber, int replica, Watch? watch, bool final)
    {
        Interlocked.Increment(ref _inFlight[replica]);
        watch?.Enter();
        using var limit = new CancellationTokenSource(Limit);
        using var request = Question.Of(_replicas[replica], _publicUrl, subscriber.Cookie, "application/json");
        var status = 0;
        var start = Monotonic.Now;
        try
        {
            using var answer = await _http[replica].SendAsync(request, limit.Token);
            status = (int)answer.StatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // No answer is an answer too: nobody was let in.
        }

        var ask = new Ask(subscriber.Trace.Id, (byte)replica, Ask.VerdictOf(status), (short)status, start, Monotonic.Now);
        _history.Add(ask, final);
        Interlocked.Decrement(ref _inFlight[replica]);
        watch?.Leave(ask.Verdict);
    }
}

/// <summary>One session at one replica, asked without a pause.</summary>
internal sealed class Watch(Subscriber subscriber, int replica)
{
    private int _inFlight;
    private int _refusals;

    public Subscriber Subscriber => subscriber;

    public int Replica => replica;

    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>How often it has been refused by now.</summary>
    public int Refusals => Volatile.Read(ref _refusals);

    public long LastAsked { get; set; }

    /// <summary>When nobody looks any more, refused or not.</summary>
    public long Until { get; set; }

    public void Enter() => Interlocked.Increment(ref _inFlight);

    public void Leave(Verdict verdict)
    {
        Interlocked.Decrement(ref _inFlight);
        if (verdict == Verdict.Refused)
        {
            Interlocked.Increment(ref _refusals);
        }
    }
}
