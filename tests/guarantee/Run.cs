using EventAuth.Guarantee.Checking;
using EventAuth.Guarantee.Faults;
using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Load;
using EventAuth.Guarantee.Worlds;

namespace EventAuth.Guarantee;

/// <summary>One run in a world of our own: load, faults, quiet, a last look, and the history of it all.</summary>
internal sealed class Run(Options options, Action<string> say)
{
    private static readonly TimeSpan FillLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProgressPeriod = TimeSpan.FromSeconds(5);

    // Twice the bound, after everything is healed.
    private static readonly TimeSpan Quiet = TimeSpan.FromTicks(2 * Bounds.Y / TimeSpan.NanosecondsPerTick);

    /// <exception cref="InvalidOperationException">The world did not start.</exception>
    public async Task<History> MakeAsync(CancellationToken ct)
    {
        say("starting Postgres, RabbitMQ, gateways and logout service");
        await using var world = await World.StartAsync(new WorldPlan(options.Gateways, options.Broker, options.Settings, options.Failpoints), ct);
        var (history, population, dice) = (new History { Replicas = options.Gateways }, new Population(), new Dice(options.Seed));
        using var recorder = new Recorder([.. world.Gateways.Select(g => g.Process.Public)], World.PublicUrl, options.Asks, population, history);
        using var signIn = new SignIn(world);
        using var keeper = new Keeper(signIn.TryAsync, Persons(options.Sessions), population, recorder, history, dice.Split(), options.Sessions);
        using var revoker = new Revoker(world, population, recorder, keeper, history, dice.Split(), options.Rate, options.Sessions / 2);
        var nemesis = new Nemesis(world, revoker, history, FaultsOf(options), dice.Split(), say);

        say("signing in");
        await keeper.FillAsync(FillLimit, ct);
        using var asking = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var recording = recorder.RunAsync(asking.Token);
        await BreakAsync(keeper, revoker, nemesis, history, population, ct);
        say("all is healed; quiet, then a last look");
        await Task.Delay(Quiet, ct);
        await asking.CancelAsync();
        await recording;
        await recorder.AskAllAsync(population.Everybody, ct);
        history.Final = await new StoreView(world).ReadAsync(population.Everybody, ct);
        return history;
    }

    private static IReadOnlyList<string> Persons(int sessions) => [.. Enumerable.Range(0, (sessions + 1) / 2).Select(i => $"person-{i}")];

    private static IReadOnlyList<Fault> FaultsOf(Options options) =>
        [.. Catalogue.All.Where(f => (options.Faults?.Contains(f.Name) ?? true) && (options.Broker || !f.NeedsBroker))];

    // Nobody is revoked any more when the last fault is healed; nobody signs in any more when the last logout is acknowledged.
    private async Task BreakAsync(Keeper keeper, Revoker revoker, Nemesis nemesis, History history, Population population, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var (keeping, revoking, breaking) = (keeper.RunAsync(over.Token), revoker.RunAsync(over.Token), nemesis.RunAsync(over.Token));
        var until = Monotonic.Now + (options.Seconds * Monotonic.Second);
        while (Monotonic.Now < until && !ct.IsCancellationRequested && !breaking.IsFaulted)
        {
            await Pause.ForAsync(ProgressPeriod, over.Token);
            var (asks, revocations) = history.Count();
            say($"{asks} questions, {revocations} revocations, {population.Live} live sessions");
        }

        await over.CancelAsync();
        await Task.WhenAll(keeping, revoking, breaking);
        ct.ThrowIfCancellationRequested();
    }
}
