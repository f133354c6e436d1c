using EventAuth.Guarantee;
using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Worlds;
using EventAuth.StubIdp;

namespace EventAuth.Storm;

/// <summary>One run in a world of our own, cycle by cycle.</summary>
internal sealed class Run(Options options, Action<string> say)
{
    private const int Attempts = 3;
    private static readonly TimeSpan AfterExpiry = TimeSpan.FromMilliseconds(50);

    /// <exception cref="InvalidOperationException">The world did not start, or the machine is too slow for such tokens.</exception>
    public async Task<IReadOnlyList<Cycle>> MakeAsync(CancellationToken ct)
    {
        say("starting Postgres, RabbitMQ and gateways");
        await using var world = await World.StartAsync(new WorldPlan(options.Gateways, options.Broker, Settings(), null)
        {
            Links = false,
            Idp = new StubOptions { AccessLifetime = options.Life, RetryWindow = options.RetryWindow },
        }, ct);
        using var crowd = new Crowd(world, options.Sessions);
        using var burst = new Burst(world);
        await using var ledger = new Ledger(world);
        var (killer, dice, cycles) = (new LeaderKiller(world, crowd, ledger), new Dice(options.Seed), new List<Cycle>());
        for (var number = 1; number <= options.Cycles; number++)
        {
            await crowd.FillAsync(ct);
            var kill = options.KillLeader ? Kill.Draw(dice, options.Gateways, options.Sessions) : null;
            var cycle = await CycleAsync(number, world, crowd, burst, killer, ledger, kill, ct);
            cycles.Add(cycle);
            cycle.Ended.Keys.ToList().ForEach(crowd.Remove);
            Tell(cycle);
        }

        return cycles;
    }

    // A lease of a killed gateway must end well before the tokens that others renewed meanwhile expire again.
    private Dictionary<string, string> Settings() => options.KillLeader
        ? new() { ["refresh.timeout"] = "2500ms", ["refresh.lease"] = "3500ms", ["revalidation.interval"] = "0s" }
        : new() { ["revalidation.interval"] = "0s" };

    private async Task<Cycle> CycleAsync(
        int number, World world, Crowd crowd, Burst burst, LeaderKiller killer, Ledger ledger, Kill? kill, CancellationToken ct)
    {
        var start = Refreshes(crowd);
        if (kill is not null)
        {
            await ArmAsync(kill, world, crowd, burst, killer, ct);
        }

        await ExpiryAsync(crowd, ct);
        var before = Refreshes(crowd);
        var began = Monotonic.Now;
        using var over = new CancellationTokenSource();
        var watching = kill is null ? null : killer.WatchAsync(kill, before, over.Token);
        var answers = await burst.FireAsync(crowd.Members, options.Parallel, kill is null ? null : (kill.Victim, t => killer.LeadsAsync(kill, t)), ct);
        var took = Monotonic.Now - began;
        await over.CancelAsync();
        var killed = watching is null ? null : await watching;
        var calls = Refreshes(crowd).ToDictionary(c => c.Key, c => c.Value - before[c.Key]);
        var early = before.Sum(b => b.Value - start[b.Key]);
        var cycle = new Cycle(number, answers, calls, early, await ledger.EndedAsync(crowd.Members), killed, []).Judged(options.RetryWindow > TimeSpan.Zero);
        Fits(cycle, took);
        return cycle;
    }

    private static Dictionary<Member, int> Refreshes(Crowd crowd) => crowd.Grants().ToDictionary(g => g.Key, g => g.Value.Refreshes);

    private async Task ArmAsync(Kill kill, World world, Crowd crowd, Burst burst, LeaderKiller killer, CancellationToken ct)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            await killer.PrepareAsync(kill, ct);
            await WarmAsync(crowd, burst, kill.Victim, ct);
            if (!world.Gateways[kill.Victim].Process.HasExited)
            {
                return;
            }
        }

        throw new InvalidOperationException("gateways take so long to start that tokens expire meanwhile; use a longer --life");
    }

    // A gateway that has just started must have read all sessions to be as quick as the others. It must not refresh anything by
    // that: what it is to die of waits for the burst.
    private async Task WarmAsync(Crowd crowd, Burst burst, int gateway, CancellationToken ct)
    {
        if (Left(crowd.Grants().Values.Min(g => g.IssuedAt)) < options.Life / 2)
        {
            await ExpiryAsync(crowd, ct);
            await burst.AskOnceAsync(crowd.Members, (gateway + 1) % options.Gateways, ct);
        }

        await burst.AskOnceAsync(crowd.Members, gateway, ct);
    }

    private TimeSpan Left(DateTimeOffset issuedAt) => issuedAt + options.Life - TimeProvider.System.GetUtcNow();

    private async Task ExpiryAsync(Crowd crowd, CancellationToken ct)
    {
        var left = Left(crowd.Grants().Values.Max(g => g.IssuedAt)) + AfterExpiry;
        await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, ct);
    }

    // Questions that come later than three quarters of a life after the renewal, of which a whole second may be lost, start the
    // next one, and rightly.
    private void Fits(Cycle cycle, long took)
    {
        var limit = (options.Life * 0.75) - TimeSpan.FromSeconds(1);
        if (cycle.Wrong.Count > 0 && took > limit.Ticks * TimeSpan.NanosecondsPerTick)
        {
            throw new InvalidOperationException(
                $"a burst took {Monotonic.ToMilliseconds(took):F0} ms, so nothing can be said of tokens that live {options.Life.TotalSeconds:F0} s; use a longer "
                + $"--life. {string.Join("; ", cycle.Wrong)}");
        }
    }

    private void Tell(Cycle cycle)
    {
        if (cycle.Kill is { } kill)
        {
            say(StormReport.Describe(cycle, kill));
        }
        else if (cycle.Number % 10 == 0 || cycle.Wrong.Count > 0)
        {
            say($"cycle {cycle.Number}: {cycle.Calls.Values.Sum()} calls, {cycle.Ended.Count} sign-outs");
        }

        cycle.Wrong.ToList().ForEach(w => say($"  WRONG: {w}"));
    }
}
