using System.Net;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Compose;

/// <summary>The broker makes revocations fast; killing it makes nothing wrong.</summary>
[Collection(Caddy.Collection)]
public sealed class BrokerKilledTests(Caddy edge)
{
    private static readonly TimeSpan BrokerStart = TimeSpan.FromSeconds(60);

    private ComposeWorld World => edge.World;

    [ComposeFact]
    public async Task A_logout_arrives_everywhere_in_time_while_the_broker_is_dead_and_the_broker_is_heard_again_when_it_is_back()
    {
        using var alice = World.NewBrowser();
        await alice.SignInAsync("alice");
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], await alice.AskGatewaysAsync());

        await World.KillAsync("rabbitmq");
        try
        {
            await Until.TrueAsync("the gateways miss the broker", async () => (await World.HearBrokerAsync()).All(h => !h));
            await Revocation.AtTheIdpAsync(alice, World);
            await Revocation.ArrivesAsync(alice);
        }
        finally
        {
            World.StartAgain("rabbitmq");
        }

        await Until.TrueAsync("the gateways hear the broker again", async () => (await World.HearBrokerAsync()).All(h => h), BrokerStart);
    }
}
