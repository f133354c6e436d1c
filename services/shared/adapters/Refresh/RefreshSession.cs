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
    ProviderHealth health,
    OutboxSignal outbox,
    Metrics metrics,
    EventAuthSettings settings,
    TimeProvider clock,
    ILogger<RefreshSession> log)
{
    // The notification is the fast way; this is how often a waiter looks by itself.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    // The part of the lease in which the IdP may be asked; the rest is for storing what it said.
    private const double UsablePart = 0.8;
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
        var row = await index.FindAsync(id, CancellationToken.None);
        if (row is null || row.IsOver || row.TokenVersion != version)
        {
            metrics.RefreshJoined();
            return OthersResult(row);
        }

        // Everything that can take long without the refresh token happens before the lease is taken.
        var (provider, problem) = await ProviderAsync(row, by);
        if (provider is null)
        {
            return problem!;
        }

        var startedAt = clock.GetTimestamp();
        while (clock.GetElapsedTime(startedAt) < settings.Refresh.Lease + settings.Refresh.Timeout)
        {
            var woken = waiters.Begin(id);
            switch (await tokens.ClaimAsync(id, version, _owner, settings.Refresh.Lease, CancellationToken.None))
            {
                case Claim.Won won:
                    return await UseAsync(row, won.Tokens, provider, by);
                case Claim.Outdated:
                    metrics.RefreshJoined();
                    return OthersResult(await index.FindAsync(id, CancellationToken.None));
                default:
                    await RefreshWaiters.WaitAsync(woken, Look, clock);
                    break;
            }
        }

        log.RefreshWaitedInVain(id);
        return new RefreshOutcome.Busy();
    }

    private static RefreshOutcome OthersResult(SessionRow? row) => row switch
    {
        null => new RefreshOutcome.Ended(EndReason.Unspecified),
        { IsOver: true } => new RefreshOutcome.Ended(
            Enum.TryParse<EndReason>(row.EndReason, out var reason) ? reason : EndReason.Unspecified),
        _ => new RefreshOutcome.Renewed(null, null),
    };

    private async Task<(RegisteredProvider?, RefreshOutcome?)> ProviderAsync(SessionRow row, RefreshCaller by)
    {
        if (providers.Find(row.Subject.Issuer) is not { } provider)
        {
            log.IssuerUnknown(row.Id, row.Subject.Issuer);
            return (null, new RefreshOutcome.Unusable("unknown_issuer"));
        }

        // The revalidator minds outages itself: its checks are more than a refresh.
        if (by == RefreshCaller.Gateway && health.Outage(row.Subject.Issuer) is { } outage)
        {
            return (null, new RefreshOutcome.Failed(outage));
        }

        try
        {
            await provider.Metadata.EndpointsAsync(CancellationToken.None);
            return (provider, null);
        }
        catch (ProviderUnavailableException e)
        {
            var answer = new ProviderAnswer.Unavailable(e.Error, e.RetryAfter);
            Note(row, answer, by);
            return (null, new RefreshOutcome.Failed(answer));
        }
    }

    private async Task<RefreshOutcome> UseAsync(SessionRow row, StoredTokens stored, RegisteredProvider provider, RefreshCaller by)
    {
        if (!TryOpen(stored, row.Id, out var current) || current.RefreshToken is null)
        {
            await tokens.ReleaseAsync(row.Id, stored.TokenVersion, _owner, used: stored.Unfinished, CancellationToken.None);
            return current is null ? new RefreshOutcome.Unusable("token_key") : new RefreshOutcome.NoRefreshToken();
        }

        using var limit = new CancellationTokenSource(settings.Refresh.Lease * UsablePart, clock);
        var result = await AskAsync(provider, current.RefreshToken, row.Subject.Sub, limit.Token);
        metrics.Refreshed(result.Answer.Kind);
        Note(row, result.Answer, by);
        return result is RefreshResult.Renewed renewed
            ? await StoreAsync(new Holding(row.Id, stored, current, provider, by), renewed, limit.Token)
            : await FailAsync(row.Id, stored, result.Answer, by);
    }

    private async Task<RefreshResult> AskAsync(RegisteredProvider provider, string refreshToken, string sub, CancellationToken limit)
    {
        try
        {
            return await provider.Client.RefreshAsync(refreshToken, sub, settings.Refresh.Timeout, limit);
        }
        catch (OperationCanceledException)
        {
            // Invariant 2: after the lease somebody else may use the token; before that we must have stopped.
            return new RefreshResult.Failed(new ProviderAnswer.Unavailable("timeout", null));
        }
    }

    private void Note(SessionRow row, ProviderAnswer answer, RefreshCaller by)
    {
        if (by == RefreshCaller.Gateway)
        {
            health.Note(row.Subject.Issuer, answer);
        }
    }

    // A key that left the ring is the operator's mistake, not the person's.
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

    private async Task<RefreshOutcome> StoreAsync(Holding held, RefreshResult.Renewed renewed, CancellationToken limit)
    {
        var now = clock.GetUtcNow();
        var fresh = new SessionTokens(
            renewed.Tokens.AccessToken, renewed.Tokens.RefreshToken, renewed.Tokens.IdToken ?? held.Current.IdToken);
        var rotated = fresh.RefreshToken != held.Current.RefreshToken;
        var secret = fresh.Seal(vault, held.Id);
        var context = new WriteContext
        {
            CorrelationId = $"refresh:{held.Id}:{held.Stored.TokenVersion}",
            Tokens = new SealedTokens(secret.KeyId, secret.Bytes, rotated ? now : held.Stored.RefreshIssuedAt),
        };
        var command = new SessionCommand.Refresh(
            held.Stored.TokenVersion, now, renewed.Tokens.AccessExpiresAt, fresh.RefreshToken is not null, Name(held.By));
        var outcome = await KeepTryingAsync(held.Id, command, context, limit);
        if (outcome.Stored)
        {
            return new RefreshOutcome.Renewed(fresh, renewed.Claims);
        }

        // Invariant 3: the session ended or others renewed while we were asking. Nobody may use what we hold.
        log.RefreshTooLate(held.Id);
        _ = held.Provider.Client.RevokeAsync(
            fresh.RefreshToken ?? fresh.AccessToken, fresh.RefreshToken is null ? "access_token" : "refresh_token",
            settings.Refresh.Timeout, CancellationToken.None);
        return outcome.State is Session.Ended ended
            ? new RefreshOutcome.Ended(ended.Reason)
            : new RefreshOutcome.Renewed(null, null);
    }

    // The old refresh token is used up: a hiccup of the store must not cost the session while there is time to try again.
    private async Task<Outcome> KeepTryingAsync(SessionId id, SessionCommand command, WriteContext context, CancellationToken limit)
    {
        while (true)
        {
            try
            {
                return await sessions.ExecuteAsync(id, command, context, CancellationToken.None);
            }
            catch (Exception e) when (e is StoreUnavailableException or StreamConflictException && !limit.IsCancellationRequested)
            {
                log.TokensNotStoredYet(id, e.InnerException?.Message ?? e.Message);
                await Task.Delay(Look, clock, limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<RefreshOutcome> FailAsync(SessionId id, StoredTokens stored, ProviderAnswer answer, RefreshCaller by)
    {
        // Somebody used this very token before and stored no successor: the IdP rotated it for them, and the successor is
        // lost with them. That is our loss, not the IdP's verdict on the person.
        var lost = stored.Unfinished && answer is ProviderAnswer.Refused;
        if (lost || (answer.IsFatal && by == RefreshCaller.Gateway))
        {
            var reason = lost ? EndReason.RefreshLost
                : answer is ProviderAnswer.IdentityChanged ? EndReason.IdentityChanged : EndReason.RefusedByProvider;
            return await EndAsync(id, stored, reason, answer, by);
        }

        if (!answer.IsFatal)
        {
            await sessions.ExecuteAsync(id, new SessionCommand.FailRefresh(
                stored.TokenVersion, clock.GetUtcNow(), answer.Kind, answer.Error, Name(by)),
                WriteContext.Because($"refresh:{id}:{stored.TokenVersion}"), CancellationToken.None);
        }

        // Without an understandable answer the IdP may have rotated the token all the same.
        var used = stored.Unfinished || answer is ProviderAnswer.Unavailable;
        await tokens.ReleaseAsync(id, stored.TokenVersion, _owner, used, CancellationToken.None);
        log.RefreshFailed(id, answer.Kind, answer.Error);
        return new RefreshOutcome.Failed(answer);
    }

    private async Task<RefreshOutcome> EndAsync(
        SessionId id, StoredTokens stored, EndReason reason, ProviderAnswer answer, RefreshCaller by)
    {
        var outcome = await sessions.ExecuteAsync(id, new SessionCommand.End(reason, clock.GetUtcNow(), answer.Error, Name(by)),
            WriteContext.Because($"refresh:{id}:{stored.TokenVersion}"), CancellationToken.None);
        if (outcome.Stored)
        {
            outbox.Ring();
            metrics.SessionEnded(reason.ToString());
            log.RefreshEnded(id, reason, answer.Error);
        }

        return new RefreshOutcome.Ended(outcome.State is Session.Ended ended ? ended.Reason : reason);
    }

    private static string Name(RefreshCaller by) => by == RefreshCaller.Revalidator ? "revalidator" : "gateway";

    /// <summary>What is at hand while the lease is held.</summary>
    private sealed record Holding(
        SessionId Id, StoredTokens Stored, SessionTokens Current, RegisteredProvider Provider, RefreshCaller By);
}
