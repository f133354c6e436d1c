using EventAuth.Adapters.Telemetry;
using EventAuth.Guarantee;
using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Worlds;

namespace EventAuth.Storm;

/// <summary>Who is to die in a cycle, and when.</summary>
/// <param name="Point">A failpoint, or <see cref="AnyMoment"/>.</param>
/// <param name="Nth">At its Nth arrival there, or after the Nth call to the IdP.</param>
/// <param name="Ahead">How long the victim alone is asked after it has begun to lead.</param>
internal sealed record Kill(int Victim, string Point, int Nth, TimeSpan Ahead)
{
    public const string AnyMoment = "any moment";

    private static readonly string[] Points =
        [Failpoints.RefreshAfterClaim, Failpoints.RefreshAfterIdp, Failpoints.RefreshBeforeStore, AnyMoment];

    public string Failpoint => Point == AnyMoment ? "" : $"{Point}@{Nth}:exit";

    public static Kill Draw(Dice dice, int gateways, int sessions) => new(
        dice.Below(gateways), dice.Pick(Points), 1 + dice.Below(Math.Max(1, sessions / 4)), dice.Between(0, 0.08));
}

/// <summary>What a kill hit.</summary>
/// <param name="At">Monotonic nanoseconds; null: the place was not reached, so nobody died while refreshing.</param>
/// <param name="Held">Sessions whose refresh the victim had begun and not finished, by the store.</param>
/// <param name="Asked">Those of them whose refresh token had been used by then.</param>
internal sealed record KillResult(Kill Kill, long? At, IReadOnlySet<Member> Held, IReadOnlySet<Member> Asked);

/// <summary>Carries a kill out during a burst and looks at what it left.</summary>
internal sealed class LeaderKiller(World world, Crowd crowd, Ledger ledger)
{
    private const long LongestLead = 2 * Monotonic.Second;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(1);

    /// <summary>Starts the victim with what it will die of, and whoever died before.</summary>
    public async Task PrepareAsync(Kill kill, CancellationToken ct)
    {
        await world.Gateways[kill.Victim].Process.KillAsync();
        for (var i = 0; i < world.Gateways.Count; i++)
        {
            if (world.Gateways[i].Process.HasExited)
            {
                world.Gateways[i].Process.StartAgain(i == kill.Victim ? kill.Failpoint : "");
            }
        }

        await Task.WhenAll(world.Gateways.Select(g => World.ReadyAsync(g, ct)));
    }

    /// <summary>
    /// Waits until the victim has taken a session for its own, or is dead, and then as long as the dice say: a gateway that has
    /// just started does its first refresh more slowly than one that has run for long, and would never lead.
    /// </summary>
    public async Task LeadsAsync(Kill kill, CancellationToken ct)
    {
        var process = world.Gateways[kill.Victim].Process;
        var owner = $"{process.Name}/{process.Pid}/";
        var asked = Monotonic.Now;
        while (!process.HasExited && Monotonic.Now - asked < LongestLead && (await ledger.HeldAsync(owner, crowd.Members)).Count == 0)
        {
            await Task.Delay(Poll, ct);
        }

        await Task.Delay(kill.Ahead, ct);
    }

    /// <param name="before">Calls per session when the burst began.</param>
    /// <param name="over">Cancelled when the burst is over.</param>
    public async Task<KillResult> WatchAsync(Kill kill, IReadOnlyDictionary<Member, int> before, CancellationToken over)
    {
        var process = world.Gateways[kill.Victim].Process;
        var pid = process.Pid;
        while (!over.IsCancellationRequested && !process.HasExited)
        {
            if (kill.Point == Kill.AnyMoment && Calls(before) >= kill.Nth)
            {
                await process.KillAsync();
                break;
            }

            await Task.Delay(Poll, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (!process.HasExited)
        {
            // What it did not die of now must not hit it later.
            await process.KillAsync();
            return new KillResult(kill, null, new HashSet<Member>(), new HashSet<Member>());
        }

        var at = Monotonic.Now;
        var held = await ledger.HeldAsync($"{process.Name}/{pid}/", crowd.Members);
        var grants = crowd.Grants();
        return new KillResult(kill, at, held, held.Where(m => grants[m].Refreshes > before[m]).ToHashSet());
    }

    private int Calls(IReadOnlyDictionary<Member, int> before) => crowd.Grants().Sum(g => g.Value.Refreshes - before[g.Key]);
}
