using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Refresh;
using EventAuth.Domain.Sessions;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

/// <summary>
/// One call to the IdP per session and token version, however many requests on however many replicas:
///   1. in this process, everyone who asks for the same token version joins one flight, which no caller can cancel;
///   2. over all processes, the flight takes a lease on the token version by compare-and-set; the lease outlasts the call;
///   3. new tokens and <c>SessionRefreshed</c> are stored in one transaction, which the decider lets pass only from the
///      version that was claimed: a holder that comes too late stores nothing, and its tokens are revoked at the IdP;
///   4. who does not get the lease waits for the stored result and shares it;
///   5. errors belong to the flight: they are never kept for the next one.
/// </summary>
public sealed class RefreshSession(
    TokenStore tokens,
    SessionService sessions,
    SessionIndex index,
    TokenVault vault,
    ProviderDirectory providers,
    RefreshWaiters waiters,
    OutboxSignal outbox,
    Metrics metrics,
    EventAuthSettings settings,
    TimeProvider clock,
    ILogger<RefreshSession> log)
{
    // The notification is the fast way; this is how often a waiter looks by itself.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);
    private readonly string _owner = $"{settings.Instance}/{Environment.ProcessId}";
    private readonly ConcurrentDictionary<(SessionId, int), Lazy<Task<RefreshOutcome>>> _flights = new();

    /// <summary>Renews the tokens unless that has happened since <paramref name="tokenVersion"/>.</summary>
    /// <exception cref="StoreUnavailableException">The store is away; whether tokens were renewed is unknown.</exception>
    public async Task<RefreshOutcome> RunAsync(SessionId id, int tokenVersion, RefreshCaller by)
    {
        var mine = new Lazy<Task<RefreshOutcome>>(() => Task.Run(() => FlyAsync(id, tokenVersion, by)));
        var flight = _flights.GetOrAdd((id, tokenVersion), mine);
        if (!ReferenceEquals(flight, mine))
        {
            metrics.RefreshJoined();
        }

        try
        {
            return await flight.Value;
        }
        finally
        {
            _flights.TryRemove(new KeyValuePair<(SessionId, int), Lazy<Task<RefreshOutcome>>>((id, tokenVersion), flight));
        }
    }

    private async Task<RefreshOutcome> FlyAsync(SessionId id, int version, RefreshCaller by)
    {
        try
        {
            return await ClaimOrWaitAsync(id, version, by);
        }
        finally
        {
            waiters.End(id);
        }
    }

    private async Task<RefreshOutcome> ClaimOrWaitAsync(SessionId id, int version, RefreshCaller by)
    {
        var startedAt = clock.GetTimestamp();
        while (clock.GetElapsedTime(startedAt) < settings.Refresh.Lease + settings.Refresh.Timeout)
        {
            var woken = waiters.Begin(id);
            switch (await tokens.ClaimAsync(id, version, _owner, settings.Refresh.Lease, CancellationToken.None))
            {
                case Claim.Won won:
                    return await UseAsync(id, won.Tokens, by);
                case Claim.Outdated:
                    metrics.RefreshJoined();
                    return await OthersResultAsync(id);
                default:
                    await RefreshWaiters.WaitAsync(woken, Look, clock);
                    break;
            }
        }

        log.RefreshWaitedInVain(id);
        return new RefreshOutcome.Busy();
    }

    private async Task<RefreshOutcome> OthersResultAsync(SessionId id)
    {
        var row = await index.FindAsync(id, CancellationToken.None);
        return row switch
        {
            null => new RefreshOutcome.Ended(EndReason.Unspecified),
            { IsOver: true } => new RefreshOutcome.Ended(
                Enum.TryParse<EndReason>(row.EndReason, out var reason) ? reason : EndReason.Unspecified),
            _ => new RefreshOutcome.Renewed(null, null),
        };
    }

    private async Task<RefreshOutcome> UseAsync(SessionId id, StoredTokens stored, RefreshCaller by)
    {
        var row = await index.FindAsync(id, CancellationToken.None);
        var provider = row is null ? null : providers.Find(row.Subject.Issuer);
        if (row is null || row.IsOver || provider is null)
        {
            await tokens.ReleaseAsync(id, stored.TokenVersion, _owner, CancellationToken.None);
            return row is { IsOver: false }
                ? new RefreshOutcome.Failed(new ProviderAnswer.Misconfigured("unknown_issuer"))
                : new RefreshOutcome.Ended(EndReason.Unspecified);
        }

        if (!TryOpen(stored, id, out var current) || current.RefreshToken is null)
        {
            await tokens.ReleaseAsync(id, stored.TokenVersion, _owner, CancellationToken.None);
            return current is null
                ? new RefreshOutcome.Failed(new ProviderAnswer.Misconfigured("token_key"))
                : new RefreshOutcome.NoRefreshToken();
        }

        var result = await provider.Client.RefreshAsync(
            current.RefreshToken, row.Subject.Sub, settings.Refresh.Timeout, CancellationToken.None);
        metrics.Refreshed(result.Answer.GetType().Name.ToLowerInvariant());
        return result switch
        {
            RefreshResult.Renewed renewed => await StoreAsync(id, stored, current, renewed, provider, by),
            _ => await FailAsync(id, stored, result.Answer, by),
        };
    }

    // A key that left the ring is the operator's mistake, not the person's: the session is not ended for it.
    private bool TryOpen(StoredTokens stored, SessionId id, [NotNullWhen(true)] out SessionTokens? current)
    {
        try
        {
            current = SessionTokens.Open(vault, stored.Secret, id);
            return true;
        }
        catch (SealBrokenException e)
        {
            log.TokensUnreadable(id, e.Message);
            current = null;
            return false;
        }
    }

    private async Task<RefreshOutcome> StoreAsync(
        SessionId id, StoredTokens stored, SessionTokens before, RefreshResult.Renewed renewed, RegisteredProvider provider, RefreshCaller by)
    {
        var now = clock.GetUtcNow();
        var fresh = new SessionTokens(renewed.Tokens.AccessToken, renewed.Tokens.RefreshToken, renewed.Tokens.IdToken ?? before.IdToken);
        var rotated = fresh.RefreshToken != before.RefreshToken;
        var secret = fresh.Seal(vault, id);
        var context = new WriteContext
        {
            CorrelationId = $"refresh:{id}:{stored.TokenVersion}",
            Tokens = new SealedTokens(secret.KeyId, secret.Bytes, rotated ? now : stored.RefreshIssuedAt),
        };
        var outcome = await sessions.ExecuteAsync(id, new SessionCommand.Refresh(
            stored.TokenVersion, now, renewed.Tokens.AccessExpiresAt, fresh.RefreshToken is not null, Name(by)), context, CancellationToken.None);
        if (outcome.Stored)
        {
            return new RefreshOutcome.Renewed(fresh, renewed.Claims);
        }

        // Invariant 3: the session ended or others renewed while we were asking. Nobody may use what we hold.
        log.RefreshTooLate(id);
        _ = provider.Client.RevokeAsync(
            fresh.RefreshToken ?? fresh.AccessToken, fresh.RefreshToken is null ? "access_token" : "refresh_token",
            settings.Refresh.Timeout, CancellationToken.None);
        return outcome.State is Session.Ended ended
            ? new RefreshOutcome.Ended(ended.Reason)
            : new RefreshOutcome.Renewed(null, null);
    }

    private async Task<RefreshOutcome> FailAsync(SessionId id, StoredTokens stored, ProviderAnswer answer, RefreshCaller by)
    {
        // Somebody claimed this very token before and never came back: the IdP rotated it for them, and the successor is
        // lost with them. That is our loss, not the IdP's verdict on the person.
        var lost = stored.Unfinished && answer is ProviderAnswer.Refused;
        if (lost || (answer.IsFatal && by == RefreshCaller.Gateway))
        {
            var reason = lost ? EndReason.RefreshLost
                : answer is ProviderAnswer.IdentityChanged ? EndReason.IdentityChanged : EndReason.RefusedByProvider;
            await sessions.ExecuteAsync(id, new SessionCommand.End(reason, clock.GetUtcNow(), answer.Error, Name(by)),
                WriteContext.Because($"refresh:{id}:{stored.TokenVersion}"), CancellationToken.None);
            outbox.Ring();
            metrics.SessionEnded(reason.ToString());
            log.RefreshEnded(id, reason, answer.Error);
            return new RefreshOutcome.Ended(reason);
        }

        if (!answer.IsFatal)
        {
            await sessions.ExecuteAsync(id, new SessionCommand.FailRefresh(
                stored.TokenVersion, clock.GetUtcNow(), answer.GetType().Name.ToLowerInvariant(), answer.Error, Name(by)),
                WriteContext.Because($"refresh:{id}:{stored.TokenVersion}"), CancellationToken.None);
        }

        await tokens.ReleaseAsync(id, stored.TokenVersion, _owner, CancellationToken.None);
        log.RefreshFailed(id, answer.GetType().Name, answer.Error);
        return new RefreshOutcome.Failed(answer);
    }

    private static string Name(RefreshCaller by) => by == RefreshCaller.Revalidator ? "revalidator" : "gateway";
}
