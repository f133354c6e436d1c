using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Login;
using EventAuth.Domain.Refresh;
using EventAuth.Domain.Sessions;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

/// <summary>What is at hand while the lease is held.</summary>
internal sealed record HeldTokens(
    SessionId Id, StoredTokens Stored, SessionTokens Current, RegisteredProvider Provider, RefreshCaller By, string Owner)
{
    public string Actor => By == RefreshCaller.Revalidator ? "revalidator" : "gateway";

    public WriteContext Context => WriteContext.Because($"refresh:{Id}:{Stored.TokenVersion}");
}

/// <summary>Writes down what came of a call to the IdP: new tokens, nothing, or the end of the session.</summary>
internal sealed class RefreshRecord(
    TokenStore tokens, SessionService sessions, SessionIndex index, TokenVault vault, OutboxSignal outbox, Metrics metrics,
    EventAuthSettings settings, Failpoints failpoints, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <param name="limit">Until then a store that is away is tried again.</param>
    public async Task<RefreshOutcome> StoreAsync(HeldTokens held, RefreshResult.Renewed renewed, CancellationToken limit)
    {
        var now = clock.GetUtcNow();
        var fresh = new SessionTokens(
            renewed.Tokens.AccessToken, renewed.Tokens.RefreshToken, renewed.Tokens.IdToken ?? held.Current.IdToken);
        var rotated = fresh.RefreshToken != held.Current.RefreshToken;
        var secret = fresh.Seal(vault, held.Id);
        var context = held.Context with
        {
            Tokens = new SealedTokens(secret.KeyId, secret.Bytes, rotated ? now : held.Stored.RefreshIssuedAt),
        };
        var command = new SessionCommand.Refresh(
            held.Stored.TokenVersion, now, renewed.Tokens.AccessExpiresAt, fresh.RefreshToken is not null, held.Actor);
        await failpoints.ReachedAsync(Failpoints.RefreshBeforeStore);
        var outcome = await KeepTryingAsync(held.Id, command, context, limit);
        if (outcome.Stored || (outcome.State is Session.Active && await IsStoredAsync(held.Id, fresh)))
        {
            return await IsRevokedAsync(held.Id) ? GiveBack(held, fresh) : new RefreshOutcome.Renewed(fresh, renewed.Claims);
        }

        log.RefreshTooLate(held.Id);
        Forget(held, fresh, outcome.State is Session.Ended);
        return outcome.State is Session.Ended ended
            ? new RefreshOutcome.Ended(ended.Reason)
            : new RefreshOutcome.Renewed(null, null);
    }

    /// <summary>No new tokens came.</summary>
    public async Task<RefreshOutcome> FailAsync(HeldTokens held, ProviderAnswer answer)
    {
        // Somebody used this very token before and stored no successor: the IdP rotated it for them, and the successor is
        // lost with them. That is our loss, not the IdP's verdict on the person.
        var lost = held.Stored.Unfinished && answer is ProviderAnswer.Refused;
        if (lost || (answer.IsFatal && held.By == RefreshCaller.Gateway))
        {
            var reason = lost ? EndReason.RefreshLost
                : answer is ProviderAnswer.IdentityChanged ? EndReason.IdentityChanged : EndReason.RefusedByProvider;
            return await EndAsync(held, reason, answer);
        }

        var unknown = SpentToken.IsPossible(answer);
        if (!answer.IsFatal)
        {
            await sessions.ExecuteAsync(held.Id, new SessionCommand.FailRefresh(
                held.Stored.TokenVersion, clock.GetUtcNow(), SpentToken.Outcome(answer), answer.Error, held.Actor),
                held.Context, CancellationToken.None);
        }

        await tokens.ReleaseAsync(
            new TokenLease(held.Id, held.Stored.TokenVersion, held.Owner), held.Stored.Unfinished || unknown, SharedFailure.Of(answer), CancellationToken.None);
        if (unknown)
        {
            log.RefreshOutcomeUnknown(held.Id, answer.Error);
        }
        else
        {
            log.RefreshFailed(held.Id, answer.Kind, answer.Error);
        }

        return new RefreshOutcome.Failed(answer);
    }

    /// <summary>
    /// Takes over groups and roles that came with new tokens, where no checks do that. Those know more: some IdPs repeat in
    /// each ID token what was true at the login, and only userinfo is of today.
    /// </summary>
    public async Task UpdateClaimsAsync(SessionId id, MappedClaims claims)
    {
        if (settings.Revalidation.Interval > TimeSpan.Zero)
        {
            return;
        }

        var outcome = await sessions.ExecuteAsync(id, new SessionCommand.UpdateClaims(clock.GetUtcNow(), claims.Groups, claims.Roles),
            WriteContext.Because($"refresh:{id}"), CancellationToken.None);
        if (outcome.Stored)
        {
            outbox.Ring();
        }
    }

    /// <summary>
    /// From when the last word on a session counts, after a question that went without an answer; the first one is noted. An
    /// IdP that rejects us is not noted: once that is mended, an outage of a moment must not find everybody's last word too old.
    /// </summary>
    public async Task<DateTimeOffset> CountsFromAsync(SessionRow row, ProviderAnswer answer)
    {
        var unansweredAt = row.UnansweredAt is null && answer is ProviderAnswer.Unavailable
            ? await index.NoteUnansweredAsync(row.Id, clock.GetUtcNow(), CancellationToken.None)
            : row.UnansweredAt;
        return LastWord.CountsFrom(row.VerifiedAt, unansweredAt, settings.Revalidation.Interval);
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
                await Task.Delay(Pause, clock, limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    // A revocation ends sessions at once and tells their streams a moment later: in between, tokens can still be stored.
    private async Task<bool> IsRevokedAsync(SessionId id)
    {
        try
        {
            return await index.FindAsync(id, CancellationToken.None) is { IsOver: true };
        }
        catch (StoreUnavailableException)
        {
            // Nobody is let in by tokens alone; whoever reads the session learns that it is over.
            return false;
        }
    }

    private RefreshOutcome.Ended GiveBack(HeldTokens held, SessionTokens fresh)
    {
        Forget(held, fresh, sessionIsOver: true);
        return new RefreshOutcome.Ended(EndReason.Unspecified);
    }

    // The store may have taken them in and its answer got lost: then it was we who came first.
    private async Task<bool> IsStoredAsync(SessionId id, SessionTokens fresh)
    {
        try
        {
            return await tokens.ReadAsync(id, CancellationToken.None) is { } stored
                && SessionTokens.Open(vault, stored.Secret, id).AccessToken == fresh.AccessToken;
        }
        catch (SealBrokenException)
        {
            // Written by another replica with a newer key.
            return false;
        }
    }

    // Nobody may use what we hold. While the session lives only the access token may go: with a refresh token most IdPs end the
    // whole grant, that of the tokens that others stored.
    private void Forget(HeldTokens held, SessionTokens late, bool sessionIsOver)
    {
        var (token, hint) = sessionIsOver && late.RefreshToken is { } refreshToken
            ? (refreshToken, "refresh_token")
            : (late.AccessToken, "access_token");
        _ = held.Provider.Client.RevokeAsync(token, hint, settings.Refresh.Timeout, CancellationToken.None);
    }

    private async Task<RefreshOutcome> EndAsync(HeldTokens held, EndReason reason, ProviderAnswer answer)
    {
        // Whoever lost the lease while asking has no right to judge by an answer about a token that is not the session's any more.
        var command = new SessionCommand.End(reason, clock.GetUtcNow(), answer.Error, held.Actor) { FromVersion = held.Stored.TokenVersion };
        var outcome = await sessions.ExecuteAsync(held.Id, command, held.Context, CancellationToken.None);
        if (outcome.State is Session.Active)
        {
            log.RefreshTooLate(held.Id);
            return new RefreshOutcome.Renewed(null, null);
        }

        if (outcome.Stored)
        {
            outbox.Ring();
            metrics.SessionEnded(reason.ToString());
            log.RefreshEnded(held.Id, reason, answer.Error);
        }

        return new RefreshOutcome.Ended(outcome.State is Session.Ended ended ? ended.Reason : reason);
    }
}
