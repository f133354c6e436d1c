using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Cache;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Faults;

/// <summary>F41: ten times more sessions than memory may hold. Sessions are forgotten and read again; revocations are not forgotten.</summary>
public sealed class SmallMemoryTests
{
    private const int Capacity = 1_000;
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    [Fact]
    public void Sessions_are_evicted_at_the_capacity_and_no_revocation_is_before_everything_it_hits_has_died()
    {
        var clock = new ManualClock(Noon);
        var view = new RevocationView(clock, TimeSpan.FromSeconds(5));
        var cache = new SessionCache(Capacity);
        for (var i = 0; i < 10 * Capacity; i++)
        {
            if (i % 2 == 0)
            {
                view.Apply(new Revocation(100 + i, RevocationKind.Subject, Session(i).SubjectKey, clock.GetUtcNow()));
            }

            Put(cache, i);
            Assert.True(cache.Count <= Capacity, $"{cache.Count} sessions in memory");
        }

        clock.Advance(Lifetime);
        view.Prune(clock.GetUtcNow() - Lifetime);
        for (var i = 0; i < 10 * Capacity; i++)
        {
            // As a request does: read again from the store if need be, then ask the view.
            Put(cache, i);
            Assert.True(cache.TryGet(Session(i).SessionId, out var session, out _));
            Assert.Equal(i % 2 == 0, view.Ends(session));
        }

        clock.Advance(TimeSpan.FromHours(1));
        view.Prune(clock.GetUtcNow() - Lifetime);
        Assert.Equal(0, view.Count);
    }

    private static void Put(SessionCache cache, int i)
    {
        var session = Session(i);
        cache.Put(session, new CachedIdentity(session.Id, new Identity
        {
            SubjectKey = new SubjectKey(session.SubjectKey),
            Issuer = "https://idp.test",
            Sub = $"person-{i}",
            Groups = [],
            Roles = [],
        }));
    }

    private static CachedSession Session(int i) => new()
    {
        Id = KeyHash.Of("test", $"session {i}"),
        SubjectKey = KeyHash.Of("test", $"subject {i}"),
        Version = 1,
        Position = 1,
        ExpiresAt = (Noon + Lifetime).ToUnixTimeSeconds(),
    };
}
