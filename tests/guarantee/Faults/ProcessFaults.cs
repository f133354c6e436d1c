using EventAuth.Guarantee.Worlds;

namespace EventAuth.Guarantee.Faults;

/// <summary>Faults of processes: ours and the servers'.</summary>
internal static class ProcessFaults
{
    private const string SlowConsumer = "consumer.before-consume:delay=2000";

    public static IEnumerable<Fault> All =>
    [
        new("broker-kill", "kill -9 of the broker, started again", Reach.Everybody, Loosens: true, Excuses: false, NeedsBroker: true,
            (a, ct) => RestartServerAsync(a, "rabbitmq", "KILL", ct)),
        new("store-restart", "Postgres is shut down at once or killed, and started again", Reach.Everybody, Loosens: true, Excuses: true, NeedsBroker: false,
            (a, ct) => RestartServerAsync(a, "postgres", a.Dice.Chance(0.5) ? "KILL" : "QUIT", ct)),
        OfGateway("gateway-freeze", "SIGSTOP of one gateway, then SIGCONT", FreezeAsync),
        OfGateway("gateway-kill", "kill -9 of one gateway, started again", KillGatewayAsync),
        OfGateway("gateway-restart", "SIGTERM of one gateway, started again", RestartGatewayAsync),
        OfGateway("slow-consumer", "one gateway takes 2 s for every message of the broker", SlowConsumerAsync) with { NeedsBroker = true },
        new("logout-kill", "kill -9 of the logout service, started again", Reach.Everybody, Loosens: false, Excuses: false, NeedsBroker: false, KillLogoutAsync),
    ];

    private static Fault OfGateway(string name, string story, Func<Attack, CancellationToken, Task> run) =>
        new(name, story, Reach.OneGateway, Loosens: true, Excuses: true, NeedsBroker: false, run);

    // Healing is not cancelled: the end of a run needs a world that works.
    private static async Task RestartServerAsync(Attack attack, string server, string signal, CancellationToken ct)
    {
        await attack.World.Servers.EndServerAsync(server, signal);
        await Pause.ForAsync(attack.Duration, ct);
        await attack.World.Servers.StartServerAgainAsync(server);
        await Task.WhenAll(attack.World.Gateways.Select(g => World.ReadyAsync(g, CancellationToken.None)));
    }

    private static async Task FreezeAsync(Attack attack, CancellationToken ct)
    {
        attack.Gateway.Process.Freeze();
        await Pause.ForAsync(attack.Duration, ct);
        attack.Gateway.Process.Thaw();
    }

    private static async Task KillGatewayAsync(Attack attack, CancellationToken ct)
    {
        await attack.Gateway.Process.KillAsync();
        await Pause.ForAsync(attack.Duration, ct);
        await StartAgainAsync(attack.Gateway);
    }

    private static async Task RestartGatewayAsync(Attack attack, CancellationToken ct)
    {
        await attack.Gateway.Process.StopAsync(CancellationToken.None);
        await Pause.ForAsync(TimeSpan.Zero, ct);
        await StartAgainAsync(attack.Gateway);
    }

    private static async Task SlowConsumerAsync(Attack attack, CancellationToken ct)
    {
        await attack.Gateway.Process.KillAsync();
        await StartAgainAsync(attack.Gateway, SlowConsumer);
        await Pause.ForAsync(attack.Duration, ct);
        await attack.Gateway.Process.KillAsync();
        await StartAgainAsync(attack.Gateway);
    }

    private static async Task KillLogoutAsync(Attack attack, CancellationToken ct)
    {
        await attack.World.Logout.Process.KillAsync();
        await Pause.ForAsync(attack.Duration, ct);
        await StartAgainAsync(attack.World.Logout);
    }

    private static Task StartAgainAsync(Replica replica, string? failpoints = null)
    {
        replica.Process.StartAgain(failpoints);
        return World.ReadyAsync(replica, CancellationToken.None);
    }
}
