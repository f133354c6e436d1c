using System.Diagnostics;
using System.Security.Cryptography;
using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;

namespace EventAuth.Revalidator;

/// <summary>One check of one session: ask, decide, carry out, plan the next.</summary>
public sealed class SessionCheck(
    ProviderQuestion question,
    SessionService sessions,
    Revocations revocations,
    DueSessions due,
    OutboxSignal outbox,
    Metrics metrics,
    EventAuthSettings settings,
    TimeProvider clock,
    ILogger<SessionCheck> log)
{
    private const string Source = "revalidation";
    private const string Actor = "revalidator";

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(5);

    /// <summary>Checks a session that was claimed, and gives it back.</summary>
    /// <exception cref="StoreUnavailableException">The store is away; the lease ends by itself.</exception>
    public async Task<CheckStep> RunAsync(DueSession session, CancellationToken ct)
    {
        var answer = await question.AskAsync(session, ct);
        var now = clock.GetUtcNow();
        var countsFrom = LastWord.CountsFrom(session.VerifiedAt, session.UnansweredAt ?? now, settings.Revalidation.Interval);
        var step = CheckRules.Decide(answer, settings.Revalidation, now - countsFrom, now >= session.AccessExpiresAt);

        // What the IdP has said is carried out, even while this process is being stopped.
        await CarryOutAsync(session, step, now);
        await due.CompleteAsync(session, Record(session, step, now), CancellationToken.None);
        metrics.Checked(OutcomeOf(step));
        return step;
    }

    private async Task CarryOutAsync(DueSession session, CheckStep step, DateTimeOffset now)
    {
        var context = WriteContext.Because($"revalidation:{Guid.CreateVersion7():N}");
        switch (step)
        {
            case CheckStep.Keep keep when keep.Claims.Changes(session.Groups, session.Roles):
                await ExecuteAsync(session, new SessionCommand.UpdateClaims(now, keep.Claims.Groups, keep.Claims.Roles), context);
                break;
            case CheckStep.RevokeSubject revoke:
                log.SubjectRefused(session.Id, revoke.Error);
                await revocations.RevokeSubjectAsync(session.Subject, new RevocationCause(
                    revoke.Reason, Source, revoke.Error, Actor, context.CorrelationId), CancellationToken.None);
                break;
            case CheckStep.EndUnverified end:
                if (await ExecuteAsync(session, new SessionCommand.End(EndReason.Unverified, now, end.Error, Actor), context))
                {
                    log.EndedUnverified(session.Id, end.Error, session.VerifiedAt);
                    metrics.SessionEnded(nameof(EndReason.Unverified));
                }

                break;
            case CheckStep.Skip skip:
                await ExecuteAsync(session, new SessionCommand.SkipRevalidation(now, session.VerifiedAt, skip.Error), context);
                log.Skipped(session.Id, skip.Error);
                break;
        }
    }

    private async Task<bool> ExecuteAsync(DueSession session, SessionCommand command, WriteContext context)
    {
        var outcome = await sessions.ExecuteAsync(session.Id, command, context, CancellationToken.None);
        if (outcome.Stored && command is not SessionCommand.SkipRevalidation)
        {
            outbox.Ring();
        }

        return outcome.Stored;
    }

    private CheckRecord Record(DueSession session, CheckStep step, DateTimeOffset now)
    {
        var next = NextCheck(session, step, now);
        var rested = step is CheckStep.Keep && settings.Revalidation.LetsRest
            ? EndOfAccess(session, now + Jittered(settings.Revalidation.IdleInterval), now)
            : (DateTimeOffset?)null;
        bool? answered = step switch
        {
            CheckStep.Keep => true,
            CheckStep.Skip => false,
            _ => null,
        };
        return new CheckRecord(now, next, rested, answered, step is CheckStep.Keep { Claims: var c } ? new PersonalData(c.Email, c.Name) : null);
    }

    private DateTimeOffset NextCheck(DueSession session, CheckStep step, DateTimeOffset now)
    {
        var next = now + Jittered(settings.Revalidation.Interval);
        switch (step)
        {
            case CheckStep.LookAgain:
                var soon = now + LookAgain;
                return soon < next ? soon : next;
            case CheckStep.Skip { RetryAfter: { } wait } when now + wait > next:
                return now + (wait < LongestRetry ? wait : LongestRetry);
            default:
                return EndOfAccess(session, next, now);
        }
    }

    // Without a refresh token the end of the access token is when somebody must look.
    private static DateTimeOffset EndOfAccess(DueSession session, DateTimeOffset next, DateTimeOffset now) =>
        !session.Refreshable && session.AccessExpiresAt > now && session.AccessExpiresAt < next ? session.AccessExpiresAt : next;

    // Up to a tenth earlier or later: sessions that began together must not be asked about together forever.
    private static TimeSpan Jittered(TimeSpan interval) => interval * (RandomNumberGenerator.GetInt32(900, 1101) / 1000.0);

    private static string OutcomeOf(CheckStep step) => step switch
    {
        CheckStep.Keep => "verified",
        CheckStep.RevokeSubject { Reason: EndReason.IdentityChanged } => "identity_changed",
        CheckStep.RevokeSubject => "refused",
        CheckStep.EndUnverified => "unverified",
        CheckStep.Skip => "skipped",
        CheckStep.Alarm => "misconfigured",
        CheckStep.LookAgain => "busy",
        CheckStep.Leave => "over",
        _ => throw new UnreachableException(),
    };
}
