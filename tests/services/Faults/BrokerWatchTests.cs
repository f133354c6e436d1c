using System.Net;
using EventAuth.Guarantee.Links;
using EventAuth.Guarantee.Processes;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Faults;

/// <summary>What operators read while the broker is away.</summary>
[Collection(BusWorld.Collection)]
public sealed class BrokerWatchTests
{
    // The library prints its whole stack at every try: nobody finds anything else in such a log.
    [WithBrokerFact]
    public async Task A_broker_that_is_away_is_one_line_and_its_return_another_and_no_line_is_of_a_stack()
    {
        var broker = new Uri(TestBroker.Url);
        await using var link = new TcpProxy(broker.Host, broker.Port) { Link = Link.Cut };
        var url = new UriBuilder(broker) { Host = IPAddress.Loopback.ToString(), Port = link.Port }.Uri.ToString();
        await using var world = await ProcessWorld.StartAsync("brokerlog", 1, new Dictionary<string, string>
        {
            ["rabbitmq.url"] = url,
            ["log.level"] = "information",
        });
        ServiceProcess[] services = [world.Gateways[0], world.Logout];
        await SayAsync(services, "No connection to the broker", 1);
        link.Link = Link.Forwards;
        await SayAsync(services, "The broker is connected again", 1);

        // Who only publishes notices at its next message; whose relay takes that one is open.
        link.Link = Link.Cut;
        await SayAsync([world.Gateways[0]], "No connection to the broker", 2);
        await world.Idp.SendLogoutTokenAsync(new Uri(world.Logout.Public, "/backchannel-logout"), "somebody", null, CancellationToken.None);
        await Until.TrueAsync("one of them says that it cannot publish", async () =>
            (await Task.WhenAll(services.Select(s => s.ReadLogAsync(default)))).Any(l => l.Contains("The broker takes nothing", StringComparison.Ordinal)));

        foreach (var service in services)
        {
            var log = await service.ReadLogAsync(default);
            Assert.DoesNotContain("   at ", log, StringComparison.Ordinal);
            Assert.DoesNotContain("guest", log, StringComparison.Ordinal);
        }
    }

    private static async Task SayAsync(ServiceProcess[] services, string line, int times)
    {
        foreach (var service in services)
        {
            await Until.TrueAsync($"{service.Name} says '{line}'", async () => (await service.ReadLogAsync(default)).Split(line).Length == times + 1,
                TimeSpan.FromSeconds(60));
        }
    }
}
