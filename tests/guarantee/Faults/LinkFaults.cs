using EventAuth.Guarantee.Links;

namespace EventAuth.Guarantee.Faults;

/// <summary>Faults of the links between services and servers.</summary>
internal static class LinkFaults
{
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(300);

    public static IEnumerable<Fault> All =>
    [
        OfBroker("broker-blackhole", "the broker's links swallow everything", Link.Blackhole),
        OfBroker("broker-cut", "the broker's connections are reset, new ones refused", Link.Cut),
        OfBroker("broker-half-open", "the broker is gone and nobody is told", Link.HalfOpen),
        new("broker-delay", "the broker's answers come 300 ms later", Reach.Everybody, Loosens: true, Excuses: false, NeedsBroker: true,
            (a, ct) => SlowAsync(a, [.. a.World.All.Select(r => r.Broker!)], ct)),
        OfStore("store-blackhole", "one gateway's link to the store swallows everything", Link.Blackhole),
        OfStore("store-cut", "one gateway's connections to the store are reset, new ones refused", Link.Cut),
        OfStore("store-loses-answers", "one gateway's writes arrive at the store, its answers are lost", Link.LosesAnswers),
        OfStore("store-half-open", "the store is gone for one gateway, which is not told", Link.HalfOpen),
        new("store-delay", "the store's answers to one gateway come 300 ms later", Reach.OneGateway, Loosens: true, Excuses: true, NeedsBroker: false,
            (a, ct) => SlowAsync(a, [a.Gateway.Store], ct)),
        new("webhook-store-blackhole", "the logout service's link to the store swallows everything", Reach.Everybody, Loosens: false, Excuses: false,
            NeedsBroker: false, (a, ct) => BreakAsync(a, [a.World.Logout.Store], Link.Blackhole, ct)),
    ];

    private static Fault OfBroker(string name, string story, Link link) => new(name, story, Reach.Everybody, Loosens: true, Excuses: false, NeedsBroker: true,
        (a, ct) => BreakAsync(a, [.. a.World.All.Select(r => r.Broker!)], link, ct));

    private static Fault OfStore(string name, string story, Link link) => new(name, story, Reach.OneGateway, Loosens: true, Excuses: true, NeedsBroker: false,
        (a, ct) => BreakAsync(a, [a.Gateway.Store], link, ct));

    private static async Task BreakAsync(Attack attack, List<TcpProxy> links, Link link, CancellationToken ct)
    {
        links.ForEach(l => l.Link = link);
        await Pause.ForAsync(attack.Duration, ct);
        links.ForEach(l => l.Link = Link.Forwards);
    }

    private static async Task SlowAsync(Attack attack, List<TcpProxy> links, CancellationToken ct)
    {
        links.ForEach(l => l.Delay = Delay);
        await Pause.ForAsync(attack.Duration, ct);
        links.ForEach(l => l.Delay = TimeSpan.Zero);
    }
}
