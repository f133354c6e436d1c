using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;

namespace EventAuth.Gateway.Login;

/// <summary>Ends one session and lets everybody know.</summary>
internal sealed class SessionEnding(SessionService sessions, OutboxSignal outbox, Metrics metrics, TimeProvider clock)
{
    /// <summary>True when it was this call that ended it; false when it was over already.</summary>
    /// <param name="cause">What led to it, in the words of whoever did it.</param>
    /// <param name="actor">Whoever did it.</param>
    public async Task<bool> EndAsync(
        SessionId id, EndReason reason, string? cause, SubjectKey actor, string correlationId, CancellationToken ct)
    {
        var command = new SessionCommand.End(reason, clock.GetUtcNow(), cause, actor.ToString());
        var outcome = await sessions.ExecuteAsync(id, command, WriteContext.Because(correlationId), ct);
        if (!outcome.Stored)
        {
            return false;
        }

        outbox.Ring();
        metrics.SessionEnded(reason.ToString());
        return true;
    }
}
