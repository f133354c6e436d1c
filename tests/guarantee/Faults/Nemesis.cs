using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Load;
using EventAuth.Guarantee.Worlds;

namespace EventAuth.Guarantee.Faults;

/// <summary>Breaks one thing after the other, drawn from a seed: every fault once before any comes again.</summary>
internal sealed class Nemesis(World world, Revoker revoker, History history, IReadOnlyList<Fault> faults, Dice dice, Action<string> say)
{
    /// <summary>Until cancelled; what is broken then is healed at once.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        var deck = new Queue<Fault>();
        while (faults.Count > 0)
        {
            await Pause.ForAsync(dice.Between(1, 4), ct);
            if (ct.IsCancellationRequested)
            {
                return;
            }

            if (deck.Count == 0)
            {
                deck = new Queue<Fault>(dice.Shuffle(faults));
            }

            var fault = deck.Dequeue();
            var attack = new Attack(world, revoker, dice.Split(), dice.Below(world.Gateways.Count), dice.Between(1, 9));
            var from = Monotonic.Now;
            await fault.RunAsync(attack, ct);
            var window = fault.Window(attack.Victim, from, Monotonic.Now);
            history.Add(window);
            say($"{fault.Name}{(window.Replica is { } hit ? $" of replica {hit}" : "")} for {Monotonic.ToMilliseconds(window.To - from) / 1000:F1} s");
        }
    }
}
