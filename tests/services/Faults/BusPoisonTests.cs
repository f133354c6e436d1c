using System.Net;
using System.Text;
using System.Text.Json;
using EventAuth.Adapters.Messaging;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using RabbitMQ.Client;
using Messages = EventAuth.Contracts.Messages;

namespace EventAuth.Services.Tests.Faults;

/// <summary>F08: what nobody can read makes the replica read the feed, is counted and parked, and holds up nobody.</summary>
[Collection(BusWorld.Collection)]
public sealed class BusPoisonTests
{
    private const string Envelope = "application/vnd.masstransit+json";

    public static TheoryData<string, string, string?, string> Poison => new()
    {
        { "bad JSON", """{"messageType": ["urn:""", Envelope, "undecodable" },
        { "not even text", "\u0000\u0001\u0002", null, "undecodable" },
        { "another content type", "hello", "text/plain", "undecodable" },
        { "an unknown type", """{"messageType": ["urn:message:Somebody:Else"], "message": {}}""", Envelope, "unknown_type" },
        { "missing fields", """{"messageType": ["urn:message:EventAuth.Contracts.Messages:SubjectRevoked"], "message": {}}""", Envelope, "undecodable" },
        { "10 MB", "", Envelope, "undecodable" },
    };

    // The poll is slow here and the row comes without a NOTIFY: who refuses at once has taken the message for "read the feed".
    [WithBrokerTheory]
    [MemberData(nameof(Poison))]
    public async Task What_cannot_be_read_makes_the_replica_read_the_feed_and_others_flow_on(string what, string text, string? contentType, string kind)
    {
        await using var world = await BusWorld.StartAsync("poison", settings: new Dictionary<string, string>
        {
            ["revocation.bound"] = "60s",
            ["revocation.pollInterval"] = "59s",
        });
        var alice = await world.SignInAsync("alice");
        await world.HealthyAsync();
        await using var connection = await BusWorld.ConnectAsync();
        await AloneAsync(connection, world.Queue);
        await world.Store.ExecuteAsync($"""
            insert into eventauth.revocation (position, kind, key, stream_id, event_id, committed_at, published_at)
            values (1000000, 1, '{new Subject(world.World.Idp.Issuer, "alice").Key.Value}', 'test', gen_random_uuid(), now(), now())
            """);
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync()).StatusCode);

        var body = what == "10 MB" ? Encoding.UTF8.GetBytes(new string('x', 10_000_000)) : Encoding.UTF8.GetBytes(text);
        await PublishAsync(connection, world.Queue, body, contentType);

        await BusWorld.RefusedAsync(alice, TimeSpan.FromSeconds(10));
        Assert.Equal(1, await BusWorld.MetricAsync(world.Gateway, $"eventauth_bus_poison_total{{kind=\"{kind}\"}}"));
        var queue = await world.Bus.GetSendEndpoint(new Uri($"exchange:{world.Queue}?autodelete=true"));
        await queue.Send(new Messages.SubjectRevoked { Position = 1, Kind = RevocationKind.Subject, Key = Guid.CreateVersion7(), CommittedAt = default });
        await Until.TrueAsync("a good message is heard", () => world.Heard.Count > 0);
        await AssertIsParkedAsync(connection, world, kind, body.Length);
        Assert.Null(await BusWorld.LookAsync(connection, world.Queue + "_error"));
        Assert.Null(await BusWorld.LookAsync(connection, world.Queue + "_skipped"));
    }

    // Queues of errors that nobody empties filled brokers' disks before.
    [WithBrokerFact]
    public async Task However_much_is_parked_a_thousand_are_kept()
    {
        await using var world = await BusWorld.StartAsync("parked");
        await world.HealthyAsync();
        await using var connection = await BusWorld.ConnectAsync();
        await PublishAsync(connection, world.Queue, "first"u8.ToArray(), null);
        await Until.TrueAsync("the queue is there", async () => await BusWorld.LookAsync(connection, BusSetup.ParkedQueue) is not null);

        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        for (var i = 0; i < 1100; i++)
        {
            await channel.BasicPublishAsync("", BusSetup.ParkedQueue, ReadOnlyMemory<byte>.Empty);
        }

        Assert.InRange((await BusWorld.LookAsync(connection, BusSetup.ParkedQueue))!.MessageCount, 1000u, 1000u);
        await channel.QueuePurgeAsync(BusSetup.ParkedQueue);
    }

    // What other services publish would be a hint too, and the test would pass without the poison.
    private static async Task AloneAsync(IConnection connection, string queue)
    {
        await using var channel = await connection.CreateChannelAsync();
        foreach (var type in new[] { nameof(Messages.SubjectRevoked), nameof(Messages.SessionChanged) })
        {
            await channel.ExchangeUnbindAsync(queue, $"EventAuth.Contracts.Messages:{type}", "");
        }
    }

    private static async Task PublishAsync(IConnection connection, string queue, byte[] body, string? contentType)
    {
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        await channel.BasicPublishAsync("", queue, true, new BasicProperties { ContentType = contentType }, body);
    }

    private static async Task AssertIsParkedAsync(IConnection connection, BusWorld world, string kind, int bytes)
    {
        await using var channel = await connection.CreateChannelAsync();
        JsonElement? parked = null;
        await Until.TrueAsync("it is parked", async () =>
        {
            while (parked is null && await channel.BasicGetAsync(BusSetup.ParkedQueue, autoAck: true) is { } next)
            {
                if (next.Body.Length > 0)
                {
                    using var json = JsonDocument.Parse(next.Body);
                    var message = json.RootElement.GetProperty("message");
                    parked = message.GetProperty("replica").GetString() == world.Gateway.Name ? message.Clone() : null;
                }
            }

            return parked is not null;
        });
        Assert.Equal((kind, bytes), (parked!.Value.GetProperty("kind").GetString(), parked.Value.GetProperty("bytes").GetInt32()));
        Assert.True(parked.Value.GetProperty("beginning").GetString()!.Length < 12_000);
    }
}
