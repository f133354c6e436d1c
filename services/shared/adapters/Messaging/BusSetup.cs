using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Messaging;

/// <summary>
/// The whole topology: two fan-out exchanges, one per message type, one queue per gateway replica, and one queue in which
/// all replicas park what they cannot read. Every queue is bounded in length, memory and life.
/// </summary>
public static class BusSetup
{
    /// <summary>Where unreadable messages are kept, see <see cref="ParkedMessage"/>.</summary>
    public const string ParkedQueue = "eventauth-parked";

    // Read by people, if at all: a thousand are enough to see what goes on.
    private const int ParkedAtMost = 1000;

    // A hint that is dropped costs at most a poll of the feed, a broker without memory costs everybody's hints.
    private const int HintsAtMost = 20_000;
    private const int HintBytesAtMost = 64 * 1024 * 1024;

    // What a replica holds in memory at once, however large the messages are that somebody sends.
    private const int Prefetch = 16;

    // Long enough for a restart, short enough that a replica that never comes back leaves nothing behind.
    private static readonly TimeSpan QueueLife = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ParkedLife = TimeSpan.FromDays(7);

    // A broker that vanished without a word is noticed after two missed beats.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(5);

    /// <summary>The queue of a replica, and the exchange of the same name that leads into it.</summary>
    public static string QueueOf(string instance) => $"eventauth-hints-{instance}";

    /// <summary>Adds the bus and the relay, or only the bell when no broker is configured.</summary>
    /// <param name="addConsumers">Consumers of this service; null for one that only publishes.</param>
    /// <param name="readFeed">What a service with consumers does when it cannot read a message.</param>
    public static void Add(
        IServiceCollection services, EventAuthSettings settings, Action<IBusRegistrationConfigurator>? addConsumers,
        Action<IServiceProvider>? readFeed = null)
    {
        services.AddSingleton<OutboxSignal>();
        if (settings.RabbitMq.Url is not { } url)
        {
            return;
        }

        services.AddSingleton<RelayState>().AddHostedService<OutboxRelay>();
        services.AddSingleton(p => new UnreadableMessages(settings.Instance, () => readFeed?.Invoke(p),
            p.GetRequiredService<Metrics>(), p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<UnreadableMessages>>()));
        services.AddReceiveEndpointObserver<BrokerWatch>();
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
                Park(bus);
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
        bus.ReceiveEndpoint(QueueOf(instance), queue =>
        {
            var unreadable = context.GetRequiredService<UnreadableMessages>();
            queue.Durable = true;

            // Of the exchange: it goes with the queue, or one would be left of every host name there ever was. A queue with a
            // life stays until that is over.
            queue.AutoDelete = true;
            queue.QueueExpiration = QueueLife;
            queue.SetQueueArgument("x-max-length", HintsAtMost);
            queue.SetQueueArgument("x-max-length-bytes", HintBytesAtMost);
            queue.PrefetchCount = Prefetch;
            queue.ConfigureError(pipe => pipe.UseExecuteAsync(unreadable.FailedAsync));
            queue.ConfigureDeadLetter(pipe => pipe.UseExecuteAsync(unreadable.SkippedAsync));
            queue.ConfigureConsumers(context);
        });

    // The message's own exchange gets the queue's name: the queue is bound to the exchange named here and to no other.
    private static void Park(IRabbitMqBusFactoryConfigurator bus)
    {
        bus.Message<ParkedMessage>(type => type.SetEntityName(ParkedQueue));
        bus.Publish<ParkedMessage>(type => type.BindQueue(ParkedQueue, ParkedQueue, queue =>
        {
            queue.SetQueueArgument("x-max-length", ParkedAtMost);
            queue.SetQueueArgument("x-message-ttl", (long)ParkedLife.TotalMilliseconds);
        }));
    }
}
