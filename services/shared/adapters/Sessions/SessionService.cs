using EventAuth.Contracts;
using EventAuth.Domain.Sessions;

namespace EventAuth.Adapters.Sessions;

/// <summary>What became of a command.</summary>
/// <param name="State">The session afterwards.</param>
/// <param name="Version">Its stream's version afterwards.</param>
public sealed record Outcome(Decision Decision, Session State, long Version)
{
    /// <summary>Whether something new was stored.</summary>
    public bool Stored => Decision is Decision.Accepted { Events.Count: > 0 };
}

/// <summary>
/// Load, decide, append; on a conflict, again with fresh state. The only place where a decision meets storage.
/// </summary>
public sealed class SessionService(IEventStore store)
{
    private const int MaxAttempts = 10;

    /// <exception cref="StreamConflictException">Others were faster ten times in a row.</exception>
    /// <exception cref="StoreUnavailableException">Nothing is known to be stored.</exception>
    public async Task<Outcome> ExecuteAsync(SessionId id, SessionCommand command, WriteContext context, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var stream = await store.LoadAsync(id, ct);
            var state = stream.Replay();
            var decision = SessionDecider.Decide(state, command);

            if (decision is not Decision.Accepted { Events.Count: > 0 } accepted)
            {
                return new Outcome(decision, state, stream.Version);
            }

            var after = accepted.Events.Aggregate(state, Session.Evolve);
            try
            {
                await store.AppendAsync(new SessionWrite(id, stream.Version, accepted.Events, after, context), ct);
                return new Outcome(decision, after, stream.Version + accepted.Events.Count);
            }
            catch (StreamConflictException) when (attempt < MaxAttempts)
            {
                // Someone else decided first. Their events may change our answer, so ask the decider again.
            }
        }
    }
}
