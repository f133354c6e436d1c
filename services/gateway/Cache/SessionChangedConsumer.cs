using EventAuth.Contracts;
using MassTransit;
using Messages = EventAuth.Contracts.Messages;

namespace EventAuth.Gateway.Cache;

/// <summary>A hint from the bus: something was revoked or changed. The feed is read right after it.</summary>
internal sealed class SessionChangedConsumer(FeedFollower feed) : IConsumer<Messages.SubjectRevoked>, IConsumer<Messages.SessionChanged>
{
    public Task Consume(ConsumeContext<Messages.SubjectRevoked> context)
    {
        var m = context.Message;
        feed.Hint(new Revocation(m.Position, m.Kind, m.Key, m.CommittedAt));
        return Task.CompletedTask;
    }

    public Task Consume(ConsumeContext<Messages.SessionChanged> context)
    {
        var m = context.Message;
        feed.Hint(new Revocation(m.Position, RevocationKind.Changed, m.SessionId, m.CommittedAt));
        return Task.CompletedTask;
    }
}
