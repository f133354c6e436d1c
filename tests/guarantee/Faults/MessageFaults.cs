using System.Text;
using RabbitMQ.Client;

namespace EventAuth.Guarantee.Faults;

/// <summary>Messages that nobody should send, and too many of those that everybody may. Only the flood loosens the bound.</summary>
internal static class MessageFaults
{
    private const string Exchange = "EventAuth.Contracts.Messages:SubjectRevoked";
    private const string TapQueue = "guarantee-tap";
    private const string MassTransitJson = "application/vnd.masstransit+json";
    private const int FloodOf = 200;
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(100);

    public static IEnumerable<Fault> All =>
    [
        new("poison", "messages that cannot be read go to the exchange", Reach.Everybody, Loosens: false, Excuses: false, NeedsBroker: true, PoisonAsync),
        new("duplicates", "messages come again, up to five times and shuffled", Reach.Everybody, Loosens: false, Excuses: false, NeedsBroker: true, DuplicatesAsync),
        new("flood", $"{FloodOf} revocations of persons that nobody knows, all at once", Reach.Everybody, Loosens: true, Excuses: false, NeedsBroker: false,
            (a, _) => a.Revoker.FloodAsync(FloodOf)),
    ];

    private static async Task PoisonAsync(Attack attack, CancellationToken ct)
    {
        await using var connection = await ConnectAsync(attack);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: CancellationToken.None);
        (byte[] Body, string Type)[] poisons =
        [
            ("not json"u8.ToArray(), MassTransitJson),
            ("{}"u8.ToArray(), MassTransitJson),
            ("""{"messageType":["urn:message:EventAuth.Contracts.Messages:SubjectRevoked"],"message":{"position":"none"}}"""u8.ToArray(), MassTransitJson),
            ("""{"messageType":["urn:message:Somebody:Elses"],"message":{}}"""u8.ToArray(), MassTransitJson),
            (Encoding.UTF8.GetBytes(new string('x', 1_000_000)), "text/plain"),
            ([], "application/json"),
        ];
        var until = attack.Duration / Every;
        for (var i = 0; i < until && !ct.IsCancellationRequested; i++)
        {
            var (body, type) = attack.Dice.Pick(poisons);
            await channel.BasicPublishAsync(Exchange, "", mandatory: false, new BasicProperties { ContentType = type }, body, CancellationToken.None);
            await Pause.ForAsync(Every, ct);
        }
    }

    // A queue of our own hears what the gateways hear.
    private static async Task DuplicatesAsync(Attack attack, CancellationToken ct)
    {
        await using var connection = await ConnectAsync(attack);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: CancellationToken.None);
        await channel.QueueDeclareAsync(TapQueue, durable: false, exclusive: true, autoDelete: true, cancellationToken: CancellationToken.None);
        await channel.QueueBindAsync(TapQueue, Exchange, "", cancellationToken: CancellationToken.None);
        await Pause.ForAsync(attack.Duration, ct);
        await channel.QueueUnbindAsync(TapQueue, Exchange, "", cancellationToken: CancellationToken.None);
        var heard = new List<BasicGetResult>();
        while (await channel.BasicGetAsync(TapQueue, autoAck: true, CancellationToken.None) is { } message)
        {
            heard.AddRange(Enumerable.Repeat(message, 1 + attack.Dice.Below(5)));
        }

        foreach (var message in attack.Dice.Shuffle(heard))
        {
            await channel.BasicPublishAsync(Exchange, "", mandatory: false, new BasicProperties(message.BasicProperties), message.Body, CancellationToken.None);
        }
    }

    private static Task<IConnection> ConnectAsync(Attack attack) =>
        new ConnectionFactory { Uri = attack.World.Servers.Amqp!, AutomaticRecoveryEnabled = false }.CreateConnectionAsync(CancellationToken.None);
}
