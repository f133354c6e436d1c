using System.Globalization;
using EventAuth.Guarantee.Checking;
using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Load;

namespace EventAuth.Guarantee;

/// <summary>A run against a world that runs already: people sign in with its IdP's form and end their own sessions. Breaks nothing.</summary>
internal sealed class ExternalRun(Options options, Action<string> say)
{
    private static readonly TimeSpan FillLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Quiet = TimeSpan.FromTicks(2 * Bounds.Y / TimeSpan.NanosecondsPerTick);
    private static readonly string[] Persons = ["alice", "bob"];

    /// <summary>What of the guarantee such a run cannot see.</summary>
    public const string NotChecked =
        "Not checked from outside: C5 (the record), and of C6 the replicas' positions and the store's own set of sessions; nothing was broken.";

    /// <exception cref="InvalidOperationException">The world does not answer.</exception>
    public async Task<History> MakeAsync(CancellationToken ct)
    {
        var gateways = GatewaysOf(options);
        using var signIn = new FormSignIn(gateways);
        var publicUrl = await signIn.FindPublicUrlAsync(ct);
        say($"{gateways.Count} gateways of {publicUrl}; signing in");
        var (history, population, dice) = (new History { Replicas = gateways.Count }, new Population(), new Dice(options.Seed));
        using var recorder = new Recorder(gateways, publicUrl, options.Asks, population, history);
        using var keeper = new Keeper((user, gateway, stop) => signIn.TryAsync(publicUrl, user, gateway, stop), Persons, population, recorder, history,
            dice.Split(), options.Sessions);
        using var ender = new SessionEnder(gateways, publicUrl, population, recorder, history, dice.Split(), options.Rate, options.Sessions / 2);
        await keeper.FillAsync(FillLimit, ct);
        say("ending sessions");
        using var asking = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var recording = recorder.RunAsync(asking.Token);
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(ct))
        {
            var work = Task.WhenAll(keeper.RunAsync(over.Token), ender.RunAsync(over.Token));
            await Task.Delay(TimeSpan.FromSeconds(options.Seconds), ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await over.CancelAsync();
            await work;
        }

        say("quiet, then a last look");
        await Task.Delay(Quiet, ct);
        await asking.CancelAsync();
        await recording;
        await recorder.AskAllAsync(population.Everybody, ct);
        return history;
    }

    private static IReadOnlyList<Uri> GatewaysOf(Options options)
    {
        if (options.GatewayUrls.Count > 0)
        {
            return options.GatewayUrls;
        }

        if (!File.Exists(options.Env))
        {
            throw new InvalidOperationException($"there is no file {options.Env}");
        }

        var env = File.ReadLines(options.Env).Select(l => l.Split('=', 2)).Where(p => p.Length == 2).ToDictionary(p => p[0], p => p[1]);
        return env.TryGetValue("GATEWAYS", out var count)
            ? [.. Enumerable.Range(1, int.Parse(count, CultureInfo.InvariantCulture)).Select(i => new Uri(env[$"GATEWAY_{i}_URL"]))]
            : throw new InvalidOperationException($"{options.Env} names no gateways: it is not of a whole world");
    }
}
