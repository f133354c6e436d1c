using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Refresh;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

/// <summary>
/// One call to the IdP per session and token version, however many requests on however many replicas:
///   1. in this process, everyone who asks for the same token version joins one flight, which no caller can cancel;
///   2. over all processes, the flight takes a lease on the token version by compare-and-set; the lease outlasts the call;
///   3. new tokens and <c>SessionRefreshed</c> are stored in one transaction, which the decider lets pass only from the
///      version that was claimed: a holder that comes too late stores nothing, and forgets what it got;
///   4. who does not get the lease waits for that attempt and shares its result, also its failure;
///   5. failures belong to the attempt: whoever comes after it makes one of their own.
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
    Failpoints failpoints,
    TimeProvider clock,
    ILogger<RefreshSession> log)
{
    // The notification is the fast way; this is how often a waiter looks by itself.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    // The part of the lease in which the IdP may be asked; the rest is for storing what it said.
    private const double UsablePart = 0.8;

    // Containers have the same process id, and a copied configuration has the same instance name.
    private readonly string _process =
        $"{settings.Instance}/{Environment.ProcessId}/{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";

    private readonly ConcurrentDictionary<(SessionId, int), Lazy<Task<RefreshOutcome>>> _flights = new();
    private readonly RefreshRecord _record = new(tokens, sessions, index, vault, outbox, metrics, settings, failpoints, clock, log);

    private long _flown;

    /// <summary>How the refreshes of this process go.</summary>
    public RefreshFigures Figures { get; } = new(metrics);

    /// <summary>Renews the tokens unless that has happened since <paramref name="tokenVersion"/>.</summary>
    /// <exception cref="StoreUnavailableException">The store is away; whether tokens were renewed is unknown.</exception>
    public async Task<RefreshOutcome> RunAsync(SessionId id, int tokenVersion, RefreshCaller by)
    {
        var mine = new Lazy<Task<RefreshOutcome>>(() => Task.Run(() => FlyAsync(id, tokenVersion, by)));
        var flight = _flights.GetOrAdd((id, tokenVersion), mine);
        var joined = !ReferenceEquals(flight, mine);
        if (joined)
        {
            Figures.Joined();
        }

        using var waiting = joined ? Figures.Wait() : null;
        try
        {
            return await flight.Value;
        }
        finally
        {
            _flights.TryRemove(new KeyValuePair<(SessionId, int), Lazy<Task<RefreshOutcome>>>((id, tokenVersion), flight));
        }
    }

    /// <summary>Done when no refresh is under way; those that fail are done, too.</summary>
    public async Task FinishAsync()
    {
        while (_flights.Values.ToList() is { Count: > 0 } under)
        {
            await Task.WhenAll(under.Select(Task (f) => f.Value)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Yield();
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
        if (IsOutdated(row, version))
        {
            Figures.Joined();
            return OthersResult(row);
        }

        // Everything that can take long without the refresh token happens before the lease is taken.
        var (provider, problem) = await ProviderAsync(row, by);
        var outcome = provider is null ? problem! : await ClaimAsync(row, provider, by) ?? await InVainAsync(id, version);
        switch (outcome)
        {
            case RefreshOutcome.Failed failed:
                return failed with { CountsFrom = await _record.CountsFromAsync(row, failed.Answer) };
            case RefreshOutcome.Renewed { Claims: { } claims } when claims.Changes(row.Groups, row.Roles):
                await _record.UpdateClaimsAsync(row.Id, claims);
                return outcome;
            default:
                return outcome;
        }
    }

    // Null: others are at it, longer than their lease.
    private async Task<RefreshOutcome?> ClaimAsync(SessionRow row, RegisteredProvider provider, RefreshCaller by)
    {
        var lease = new TokenLease(row.Id, row.TokenVersion, $"{_process}/{Interlocked.Increment(ref _flown)}");
        int? waitedFor = null;
        var startedAt = clock.GetTimestamp();
        while (clock.GetElapsedTime(startedAt) < settings.Refresh.Lease + settings.Refresh.Timeout)
        {
            var woken = waiters.Begin(row.Id);
            var claimedAt = clock.GetTimestamp();
            switch (await tokens.ClaimAsync(lease, settings.Refresh.Lease, waitedFor, CancellationToken.None))
            {
                case Claim.Won won when await UseAsync(row, won.Tokens, new HeldBy(lease, provider, by, claimedAt)) is { } outcome:
                    return outcome;
                case Claim.Outdated when await LookAsync(row.Id, row.TokenVersion) is { } others:
                    return others;
                case Claim.Outdated when await tokens.ReadAsync(row.Id, CancellationToken.None) is null:
                    return new RefreshOutcome.NoRefreshToken();
                case Claim.Won or Claim.Outdated:
                    break;
                case Claim.Failed failed:
                    Figures.Joined();
                    return new RefreshOutcome.Failed(SharedFailure.Read(failed.How));
                case Claim.Busy busy:
                    waitedFor ??= busy.Attempt;
                    using (Figures.Wait())
                    {
                        await RefreshWaiters.WaitAsync(woken, Look, clock);
                    }

                    break;
            }
        }

        return null;
    }

    // Whoever stood still for longer than the lease may find that others have done it all meanwhile.
    private async Task<RefreshOutcome> InVainAsync(SessionId id, int version)
    {
        if (await LookAsync(id, version) is { } others)
        {
            return others;
        }

        log.RefreshWaitedInVain(id);
        return new RefreshOutcome.Busy();
    }

    // Null: the tokens are still those.
    private async Task<RefreshOutcome?> LookAsync(SessionId id, int version)
    {
        var row = await index.FindAsync(id, CancellationToken.None);
        if (!IsOutdated(row, version))
        {
            return null;
        }

        Figures.Joined();
        return OthersResult(row);
    }

    private static bool IsOutdated([NotNullWhen(false)] SessionRow? row, int version) =>
        row is null || row.IsOver || row.TokenVersion != version;

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

    // Null: the lease ended before the token was used, and somebody else may be using it now.
    private async Task<RefreshOutcome?> UseAsync(SessionRow row, StoredTokens stored, HeldBy holder)
    {
        using var flight = Figures.Start();
        var (lease, provider, by, claimedAt) = holder;
        if (!TryOpen(stored, row.Id, out var current) || current.RefreshToken is null)
        {
            await tokens.ReleaseAsync(lease, stored.Unfinished, failure: null, CancellationToken.None);
            return current is null ? new RefreshOutcome.Unusable("token_key") : new RefreshOutcome.NoRefreshToken();
        }

        // Invariant 2: the lease began before the store's answer arrived, and this process may have stood still since.
        await failpoints.ReachedAsync(Failpoints.RefreshAfterClaim);
        var left = (settings.Refresh.Lease * UsablePart) - clock.GetElapsedTime(claimedAt);
        if (left <= TimeSpan.Zero)
        {
            await tokens.ReleaseAsync(lease, stored.Unfinished, failure: null, CancellationToken.None);
            return null;
        }

        using var limit = new CancellationTokenSource(left, clock);
        var result = await AskAsync(provider, current.RefreshToken, row.Subject.Sub, limit.Token);
        Figures.Ended(SpentToken.Outcome(result.Answer));
        Note(row, result.Answer, by);
        await failpoints.ReachedAsync(Failpoints.RefreshAfterIdp);
        var held = new HeldTokens(row.Id, stored, current, provider, by, lease.Owner);
        return result is RefreshResult.Renewed renewed
            ? await _record.StoreAsync(held, renewed, limit.Token)
            : await _record.FailAsync(held, result.Answer);
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

    /// <param name="ClaimedAt">Before the store was asked, on the monotonic clock.</param>
    private sealed record HeldBy(TokenLease Lease, RegisteredProvider Provider, RefreshCaller By, long ClaimedAt);
}
