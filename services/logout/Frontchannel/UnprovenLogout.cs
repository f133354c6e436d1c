using System.Security.Cryptography;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;

namespace EventAuth.Logout.Frontchannel;

/// <summary>What came of a logout that nobody proved.</summary>
internal enum UnprovenOutcome
{
    /// <summary>There is no such session, or it is over already: nothing was written.</summary>
    Nothing = 0,

    /// <summary>This call revoked it.</summary>
    Ended,

    /// <summary>Too many ask at once.</summary>
    Crowded,
}

/// <summary>
/// Ends the sessions of a sid that somebody names without any proof. Therefore:
///   1. it writes only where a session lives: made-up sids cost a look into an index and leave nothing behind, no mark for
///      logins to come either;
///   2. few look at once, some more wait, the rest is turned away: the store's connections are left to those with a proof;
///   3. one event, however many frames over however many replicas name the session at the same time.
/// </summary>
internal sealed class UnprovenLogout(SessionIndex index, Revocations revocations, TimeProvider clock) : IDisposable
{
    private const int MaxLooking = 4;
    private const int MaxWaiting = 100;

    // As long as a frame may be loaded again while the revocation is not to be seen yet.
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(10);

    private readonly SemaphoreSlim _turn = new(MaxLooking);
    private int _inside;

    /// <exception cref="StoreUnavailableException">Nothing is known to be stored.</exception>
    public async Task<(UnprovenOutcome Outcome, RevocationCause? Cause, long Position)> EndAsync(FrontchannelRequest request, CancellationToken ct)
    {
        try
        {
            if (Interlocked.Increment(ref _inside) > MaxLooking + MaxWaiting)
            {
                return (UnprovenOutcome.Crowded, null, 0);
            }

            await _turn.WaitAsync(ct);
            try
            {
                return await LookAndEndAsync(request, ct);
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _inside);
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<(UnprovenOutcome, RevocationCause?, long)> LookAndEndAsync(FrontchannelRequest request, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var known = await index.OfProviderSessionAsync(ProviderSessionKey.Of(request.Issuer, request.Sid), ct);
        if (known.Where(s => !s.IsOver && now < s.ExpiresAt).MaxBy(s => s.Id.Value) is not { } live)
        {
            return (UnprovenOutcome.Nothing, null, 0);
        }

        var cause = CauseOf(live, now);
        var receipt = await revocations.RevokeProviderSessionAsync(request.Issuer, live.Subject.Sub, request.Sid, cause, ct);
        return (receipt.Fresh ? UnprovenOutcome.Ended : UnprovenOutcome.Nothing, cause, receipt.Position);
    }

    // Remembered by one of the sessions that it ends, which never lives again, and not by the sid, which may come again.
    private static RevocationCause CauseOf(SessionRow live, DateTimeOffset now)
    {
        var key = KeyHash.Of("frontchannel-logout", live.Subject.Issuer, live.Sid!, live.Id.ToString());
        var seen = new SeenToken(key, SHA256.HashData(key.ToByteArray()), now + Remembered);
        return new RevocationCause(
            EndReason.FrontchannelLogout, "frontchannel", Cause: null, Actor: null, $"frontchannel-logout:{key:N}", seen);
    }
}
