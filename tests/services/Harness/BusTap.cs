using System.Collections.Concurrent;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace EventAuth.Services.Tests.Harness;

/// <summary>Hears every revocation on the broker, whoever published it; other tests' too.</summary>
internal sealed class BusTap : IAsyncDisposable
{
    private const string Exchange = "EventAuth.Contracts.Messages:SubjectRevoked";
    private readonly ConcurrentQueue<string> _messages = new();
    private readonly IConnection _connection;

    private BusTap(IConnection connection) => _connection = connection;

    public static async Task<BusTap> OpenAsync()
    {
        var tap = new BusTap(await new ConnectionFactory { Uri = new Uri(TestBroker.Url) }.CreateConnectionAsync());
        var channel = await tap._connection.CreateChannelAsync();
        await channel.ExchangeDeclareAsync(Exchange, ExchangeType.Fanout, durable: true);
        var queue = await channel.QueueDeclareAsync();
        await channel.QueueBindAsync(queue.QueueName, Exchange, "");
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, message) =>
        {
            tap._messages.Enqueue(Encoding.UTF8.GetString(message.Body.Span));
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer);
        return tap;
    }

    /// <summary>How many messages named a key.</summary>
    public int Heard(Guid key) => _messages.Count(m => m.Contains(key.ToString(), StringComparison.OrdinalIgnoreCase));

    public async ValueTask DisposeAsync() => await _connection.DisposeAsync();
}
