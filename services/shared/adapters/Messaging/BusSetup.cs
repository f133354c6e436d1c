using EventAuth.Adapters.Settings;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Adapters.Messaging;

/// <summary>The whole topology: two fan-out exchanges, one per message type, and one queue per gateway replica.</summary>
public static class BusSetup
{
    // Long enough for a restart, short enough that a replica that never comes back leaves nothing behind.
    private static readonly TimeSpan QueueLife = TimeSpan.FromMinutes(10);

    // A broker that vanished without a word is noticed after two missed beats.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(5);

    /// <summary>Adds the bus and the relay, or only the bell when no broker is configured.</summary>
    /// <param name="addConsumers">Consumers of this service; null for one that only publishes.</param>
    public static void Add(IServiceCollection services, EventAuthSettings settings, Action<IBusRegistrationConfigurator>? addConsumers)
    {
        services.AddSingleton<OutboxSignal>();
        if (settings.RabbitMq.Url is not { } url)
        {
            return;
        }

        services.AddHostedService<OutboxRelay>();
        services.AddMassTransit(x =>
        {
            addConsumers?.Invoke(x);
            x.UsingRabbitMq((context, bus) =>
            {
                bus.Host(url, host =>
                {
                    host.Heartbeat(Heartbeat);
                    host.ConnectionName(settings.Instance);
                });
                if (addConsumers is not null)
                {
                    ReceiveAsReplica(bus, context, settings.Instance);
                }
            });
        });
    }

    // Durable, although it is only the hint: measured, temporary queues lost a third of what was published around a broker
    // restart, because publishers reconnect before consumers do.
    private static void ReceiveAsReplica(IRabbitMqBusFactoryConfigurator bus, IBusRegistrationContext context, string instance) =>
        bus.ReceiveEndpoint($"eventauth-gateway-{instance}", queue =>
        {
            queue.Durable = true;
            queue.AutoDelete = false;
            queue.QueueExpiration = QueueLife;
            queue.PrefetchCount = 64;
            queue.ConfigureConsumers(context);
        });
}
