using EventAuth.Services.Tests.Harness;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Messages = EventAuth.Contracts.Messages;

namespace EventAuth.Services.Tests.Faults;

/// <summary>What a replica leaves behind at the broker.</summary>
[Collection(BusWorld.Collection)]
public sealed class ReplicaQueueTests
{
    // Containers have another name after every start: an exchange of each would stay, and every message go to all of them.
    [WithBrokerFact]
    public async Task A_queue_waits_for_its_replica_and_takes_its_exchange_with_it_when_it_goes()
    {
        await using var world = await BusWorld.StartAsync("leftover");
        await world.HealthyAsync();
        await using var connection = await BusWorld.ConnectAsync();
        Assert.True(await ExchangeIsThereAsync(connection, world.Queue));

        await world.Bus.StopAsync();
        await using (var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true)))
        {
            await channel.BasicPublishAsync($"{typeof(Messages.SessionChanged).Namespace}:{nameof(Messages.SessionChanged)}", "", "{}"u8.ToArray());
        }

        await Until.TrueAsync("the message waits for the replica", async () =>
            await BusWorld.LookAsync(connection, world.Queue) is { ConsumerCount: 0, MessageCount: >= 1 });
        Assert.True(await ExchangeIsThereAsync(connection, world.Queue));

        // As the broker does when the queue's life is over.
        await using (var channel = await connection.CreateChannelAsync())
        {
            await channel.QueueDeleteAsync(world.Queue);
        }

        await Until.TrueAsync("the exchange is gone", async () => !await ExchangeIsThereAsync(connection, world.Queue));
    }

    private static async Task<bool> ExchangeIsThereAsync(IConnection connection, string exchange)
    {
        await using var channel = await connection.CreateChannelAsync();
        try
        {
            await channel.ExchangeDeclarePassiveAsync(exchange);
            return true;
        }
        catch (OperationInterruptedException)
        {
            return false;
        }
    }
}
