namespace EventAuth.Adapters.Oidc;

/// <summary>
/// One document of an IdP. Rules:
/// 1. fetched when first needed and again, behind the caller's back, when older than <paramref name="freshFor"/>;
/// 2. one fetch at a time, shared by all who wait, and not ended by one of them leaving;
/// 3. the last good copy stays in use while a newer one is being fetched or can't be, up to <see cref="KeptFor"/>: nobody
///    waits for a slow IdP who could do with what there is;
/// 4. after a failed fetch the next one waits for <paramref name="pause"/>; so does each fetch for something newer.
/// </summary>
internal sealed class KeptDocument<T>(Func<Task<T>> fetch, TimeSpan freshFor, TimeSpan pause, TimeProvider clock)
    where T : class
{
    /// <summary>How long an outage of the IdP's metadata is bridged.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);

    private readonly Lock _lock = new();
    private T? _copy;
    private long _fetchedAt;
    private long? _askedForNewerAt;
    private (long At, ProviderUnavailableException Reason)? _failure;
    private Task<T>? _inFlight;

    /// <summary>The last good copy; waits only when there is none that may still be used.</summary>
    public async Task<T> GetAsync(CancellationToken ct)
    {
        Task<T> fetching;
        lock (_lock)
        {
            if (_copy is not null && clock.GetElapsedTime(_fetchedAt) < freshFor)
            {
                return _copy;
            }

            if (_inFlight is null && RecentFailure_Locked() is { } failure)
            {
                return KeptCopy_Locked() ?? throw Again(failure);
            }

            fetching = Fetch_Locked();
            if (KeptCopy_Locked() is { } kept)
            {
                return kept;
            }
        }

        return await fetching.WaitAsync(ct);
    }

    /// <summary>
    /// A copy newer than the one that lacked something. Asked too often, it answers with what there is, so that
    /// a flood of made-up key ids costs one fetch per pause.
    /// </summary>
    public async Task<T> GetNewerThanAsync(T seen, CancellationToken ct)
    {
        Task<T> fetching;
        lock (_lock)
        {
            if (_copy is not null && !ReferenceEquals(_copy, seen))
            {
                return _copy;
            }

            if (_inFlight is null && RecentFailure_Locked() is { } failure)
            {
                throw Again(failure);
            }

            if (_inFlight is null && _askedForNewerAt is { } at && clock.GetElapsedTime(at) < pause)
            {
                return seen;
            }

            _askedForNewerAt = clock.GetTimestamp();
            fetching = Fetch_Locked();
        }

        return await fetching.WaitAsync(ct);
    }

    private Task<T> Fetch_Locked() => _inFlight ??= Task.Run(FetchAsync);

    private async Task<T> FetchAsync()
    {
        try
        {
            var copy = await fetch();
            lock (_lock)
            {
                (_copy, _fetchedAt, _failure, _inFlight) = (copy, clock.GetTimestamp(), null, null);
            }

            return copy;
        }
        catch (Exception e)
        {
            // Of any kind: a task left in flight would be awaited by everybody for ever.
            var reason = e as ProviderUnavailableException ?? new ProviderUnavailableException("metadata_error");
            lock (_lock)
            {
                (_failure, _inFlight) = ((clock.GetTimestamp(), reason), null);
            }

            throw Again(reason);
        }
    }

    private ProviderUnavailableException? RecentFailure_Locked() =>
        _failure is { } failure && clock.GetElapsedTime(failure.At) < pause ? failure.Reason : null;

    private T? KeptCopy_Locked() => _copy is not null && clock.GetElapsedTime(_fetchedAt) < KeptFor ? _copy : null;

    // A new one each time: a thrown exception belongs to the stack that threw it.
    private static ProviderUnavailableException Again(ProviderUnavailableException failure) =>
        new(failure.Error, failure.RetryAfter);
}
