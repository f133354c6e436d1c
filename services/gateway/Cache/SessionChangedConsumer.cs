using EventAuth.Adapters.Telemetry;
using MassTransit;
using Messages = EventAuth.Contracts.Messages;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// A hint from the bus: something was committed, read the feed. What the message says beyond that is not believed: it may
/// come from a queue that outlived its database, or from somebody who may publish but not revoke.
/// </summary>
internal sealed class SessionChangedConsumer(FeedFollower feed, Failpoints failpoints)
    : IConsumer<Messages.SubjectRevoked>, IConsumer<Messages.SessionChanged>
{
    public Task Consume(ConsumeContext<Messages.SubjectRevoked> context) => ReadFeedAsync();

    public Task Consume(ConsumeContext<Messages.SessionChanged> context) => ReadFeedAsync();

    private async Task ReadFeedAsync()
    {
        await failpoints.ReachedAsync(Failpoints.BeforeConsume);
        feed.Hint();
    }
}
