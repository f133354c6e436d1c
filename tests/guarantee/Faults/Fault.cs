using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Load;
using EventAuth.Guarantee.Worlds;

namespace EventAuth.Guarantee.Faults;

/// <summary>Whom a fault hits.</summary>
internal enum Reach
{
    /// <summary>All replicas, or what they share.</summary>
    Everybody = 0,

    /// <summary>One gateway or its links.</summary>
    OneGateway,
}

/// <summary>What a fault may do with.</summary>
/// <param name="Victim">Number of the gateway that is hit, when the reach is one gateway.</param>
/// <param name="Duration">How long it should stay broken, without the time that healing takes.</param>
internal sealed record Attack(World World, Revoker Revoker, Dice Dice, int Victim, TimeSpan Duration)
{
    public Replica Gateway => World.Gateways[Victim];
}

/// <summary>One way in which something breaks and is healed.</summary>
/// <param name="Loosens">Whether the bound is Y instead of X meanwhile.</param>
/// <param name="Excuses">Whether a replica that is hit may answer 503, or not at all, meanwhile.</param>
/// <param name="NeedsBroker">Whether it makes no sense without one.</param>
/// <param name="RunAsync">Breaks, waits, heals, and ends when that is complete; when it is cancelled, it heals at once.</param>
internal sealed record Fault(
    string Name, string Story, Reach Reach, bool Loosens, bool Excuses, bool NeedsBroker, Func<Attack, CancellationToken, Task> RunAsync)
{
    public FaultWindow Window(int victim, long from, long to) =>
        new(Name, Reach == Reach.OneGateway ? victim : null, Loosens, Excuses, from, to);
}
