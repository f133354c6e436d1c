using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

/// <summary>Why somebody's sessions are to end.</summary>
/// <param name="Source">backchannel, revalidation, operator or user.</param>
/// <param name="Cause">Logout token's jti, OAuth error code, or the operator's reason.</param>
/// <param name="Actor">Who did it, as a subject key or the name of a service.</param>
/// <param name="Token">The logout token's memory, when one asks for it.</param>
public sealed record RevocationCause(
    EndReason Reason, string Source, string? Cause, string? Actor, string? CorrelationId, SeenToken? Token = null);

/// <summary>
/// Revokes a subject, a session of the IdP, an access token or everybody: one event and one feed row, however many sessions it hits. They are
/// dead from the commit on; their own streams are told by <see cref="RevokedSessionSweep"/>.
/// </summary>
public sealed class Revocations(
    IEventStore store,
    SessionIndex index,
    OutboxSignal outbox,
    SweepSignal sweep,
    Metrics metrics,
    ILogger<Revocations> log)
{
    private const int MaxAttempts = 5;
    private const string EverybodysStream = "everybody";

    /// <summary>Everything of a subject that began before.</summary>
    /// <exception cref="StoreUnavailableException">Nothing is known to be stored.</exception>
    /// <exception cref="TokenIdReusedException">The logout token's jti was seen with another content.</exception>
    public Task<RevocationReceipt> RevokeSubjectAsync(Subject subject, RevocationCause cause, CancellationToken ct) =>
        RevokeAsync(RevocationKind.Subject, subject.Key.Value, StreamOf(subject),
            Event(subject.Issuer, subject.Sub, null, cause), cause, ct);

    /// <summary>Everything that came from one session of the IdP and began before.</summary>
    /// <param name="sub">Whose it is; null when the caller does not know.</param>
    /// <exception cref="StoreUnavailableException">Nothing is known to be stored.</exception>
    /// <exception cref="TokenIdReusedException">The logout token's jti was seen with another content.</exception>
    public async Task<RevocationReceipt> RevokeProviderSessionAsync(
        string issuer, string? sub, string sid, RevocationCause cause, CancellationToken ct)
    {
        var key = ProviderSessionKey.Of(issuer, sid);
        sub ??= await index.OfProviderSessionAsync(key, ct) is [var known, ..] ? known.Subject.Sub : null;
        var stream = sub is null ? $"sid-{key}" : StreamOf(new Subject(issuer, sub));
        return await RevokeAsync(RevocationKind.ProviderSession, key.Value, stream, Event(issuer, sub, sid, cause), cause, ct);
    }

    /// <summary>One access token of an issuer, for as long as it can live.</summary>
    /// <exception cref="StoreUnavailableException">Nothing is known to be stored.</exception>
    public Task<RevocationReceipt> RevokeTokenAsync(string issuer, string jti, RevocationCause cause, CancellationToken ct)
    {
        var key = AccessTokenKey.Of(issuer, jti);
        return RevokeAsync(RevocationKind.Token, key.Value, $"token-{key}",
            new TokenRevoked(issuer, jti, 0, default, cause.Reason, cause.Source, cause.Cause, cause.Actor), cause, ct);
    }

    /// <summary>Everything of everybody that began before; costs no more than one person.</summary>
    /// <exception cref="StoreUnavailableException">Nothing is known to be stored.</exception>
    public Task<RevocationReceipt> RevokeEverybodyAsync(RevocationCause cause, CancellationToken ct) =>
        RevokeAsync(RevocationKind.Everybody, Guid.Empty, EverybodysStream,
            new AllRevoked(0, default, cause.Reason, cause.Source, cause.Cause, cause.Actor), cause, ct);

    private async Task<RevocationReceipt> RevokeAsync(
        RevocationKind kind, Guid key, string stream, SubjectEvent @event, RevocationCause cause, CancellationToken ct)
    {
        // What led to it by its id: an operator's words are none.
        var causation = cause.Token is null ? null : cause.Cause;
        var write = new RevocationWrite(kind, key, stream, @event, cause.CorrelationId, cause.Token) { CausationId = causation };
        var receipt = await StoreAsync(write, ct);
        if (receipt.Fresh)
        {
            metrics.Revoked(cause.Source);
            log.Revoked(kind, key, receipt.Position, cause.Reason, cause.Source, cause.CorrelationId);
            outbox.Ring();
            sweep.Ring();
        }

        return receipt;
    }

    private async Task<RevocationReceipt> StoreAsync(RevocationWrite write, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await store.RevokeAsync(write, ct);
            }
            catch (StreamConflictException) when (attempt < MaxAttempts)
            {
                // Another fact about the same subject was stored in this moment. Ours holds whatever it says.
            }
        }
    }

    // The store fills in position and moment: only it knows them.
    private static SubjectRevoked Event(string issuer, string? sub, string? sid, RevocationCause cause) =>
        new(issuer, sub, sid, 0, default, cause.Reason, cause.Source, cause.Cause, cause.Actor);

    private static string StreamOf(Subject subject) => $"subject-{subject.Key}";
}
