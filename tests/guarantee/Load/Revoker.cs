using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Worlds;

namespace EventAuth.Guarantee.Load;

/// <summary>
/// The IdP's side: sends logout tokens to the real webhook at a steady rate, the same token again until it is answered 200.
/// Sends some again later, and some that are wrong.
/// </summary>
/// <param name="rate">Revocations per second.</param>
/// <param name="atLeast">So many sessions stay, should nobody be able to sign in for a while.</param>
internal sealed class Revoker(World world, Population population, Recorder recorder, Keeper keeper, History history, Dice dice, double rate, int atLeast) : IDisposable
{
    private const double ShareOfPersons = 0.3;
    private const double ShareOfReplays = 0.1;
    private const double ShareOfWrong = 0.1;
    private const long LooksLonger = 8 * Monotonic.Second;
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    // Logout tokens live two minutes.
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(90);

    private readonly HttpClient _http = new() { Timeout = AnswerLimit };
    private readonly List<Task> _underWay = [];
    private readonly List<string> _acked = [];
    private readonly Lock _lock = new();
    private int _count;

    /// <summary>Revokes until cancelled, then waits for the answers that are still due.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / rate));
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                Begin(ct);
                _underWay.RemoveAll(t => t.IsCompletedSuccessfully);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // No new ones.
        }

        await Task.WhenAll(_underWay);
    }

    /// <summary>Revokes persons that nobody knows, all at once.</summary>
    public Task FloodAsync(int count) => Task.WhenAll(Enumerable.Range(0, count).Select(_ =>
        SendAsync($"nobody-{Interlocked.Increment(ref _count)}", sid: null, [])));

    public void Dispose() => _http.Dispose();

    private void Begin(CancellationToken ct)
    {
        if (dice.Chance(ShareOfReplays))
        {
            _underWay.Add(ReplayAsync());
        }

        if (dice.Chance(ShareOfWrong))
        {
            _underWay.Add(SendWrongAsync(dice.Below(WrongTokens.Kinds)));
        }

        if (population.TakeOne(dice, atLeast) is not { } one)
        {
            return;
        }

        if (!dice.Chance(ShareOfPersons))
        {
            _underWay.Add(SendAsync(one.Trace.Sub, one.Trace.Sid, [one]));
            return;
        }

        List<Subscriber> all = [one, .. population.TakePerson(one.Trace.Sub)];
        _underWay.Add(RevokePersonAsync(one.Trace.Sub, all, before: dice.Chance(0.3), after: dice.Chance(0.5), ct));
    }

    // Whoever signs in again meanwhile may be hit or not; whoever does so afterwards must not be.
    private async Task RevokePersonAsync(string sub, List<Subscriber> sessions, bool before, bool after, CancellationToken ct)
    {
        var meanwhile = before ? keeper.SignInAsync(sub, ct) : Task.CompletedTask;
        await SendAsync(sub, sid: null, sessions);
        await Task.WhenAll(meanwhile, after ? keeper.SignInAsync(sub, ct) : Task.CompletedTask);
    }

    private async Task SendAsync(string sub, string? sid, IReadOnlyList<Subscriber> sessions)
    {
        var jti = $"logout-{Interlocked.Increment(ref _count)}";
        var token = world.Idp.LogoutToken(sub, sid, c => c["jti"] = jti);
        var watches = sessions.SelectMany(s => recorder.Follow(s, long.MaxValue)).ToList();
        var sent = Monotonic.Now;
        var giveUp = sent + (GiveUp.Ticks * TimeSpan.NanosecondsPerTick);
        long? acked = null;
        while (acked is null && Monotonic.Now < giveUp)
        {
            if (await PostAsync(token) == 200)
            {
                acked = Monotonic.Now;
                Remember(token);
            }
            else
            {
                await Task.Delay(Retry);
            }
        }

        watches.ForEach(w => w.Until = Monotonic.Now + LooksLonger);
        history.Add(new RevocationTrace(sub, sid, jti, sent, acked));
    }

    private async Task ReplayAsync()
    {
        if (OldToken() is { } token)
        {
            await PostAsync(token);
        }
    }

    private async Task SendWrongAsync(int kind)
    {
        // It names somebody who lives: obeyed, it would be noticed.
        if (population.NextLive() is { } somebody)
        {
            var jti = $"wrong-{Interlocked.Increment(ref _count)}";
            var (wrong, token) = WrongTokens.Make(world.Idp, kind, somebody.Trace, jti);
            history.Add(new WrongToken(jti, wrong, await PostAsync(token)));
        }
    }

    private async Task<int> PostAsync(string token)
    {
        try
        {
            using var content = new FormUrlEncodedContent([new("logout_token", token)]);
            using var answer = await _http.PostAsync(world.Webhook, content);
            return (int)answer.StatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return 0;
        }
    }

    private void Remember(string token)
    {
        const int Kept = 200;
        lock (_lock)
        {
            if (_acked.Count == Kept)
            {
                _acked.RemoveAt(0);
            }

            _acked.Add(token);
        }
    }

    private string? OldToken()
    {
        lock (_lock)
        {
            return _acked.Count == 0 ? null : dice.Pick(_acked);
        }
    }
}
