using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Cache;

namespace EventAuth.Services.Tests.Cache;

public sealed class SessionCacheTests
{
    [Fact]
    public void What_was_put_in_comes_out_with_its_identity()
    {
        var cache = new SessionCache(100);
        Put(cache, Id(1), "alice", version: 1);

        Assert.True(cache.TryGet(Id(1), out var session, out var identity));
        Assert.Equal(Id(1), session.SessionId);
        Assert.Equal("alice", identity.Identity.Sub);
        Assert.Equal(["staff", "ärzte"], identity.Identity.Groups);
    }

    [Fact]
    public void An_id_that_shares_all_but_its_last_bits_is_another_session()
    {
        var cache = new SessionCache(100);
        var (a, b) = (new SessionId(new Guid("00112233445566778899aabbccddee00")), new SessionId(new Guid("00112233445566778899aabbccddee01")));
        Put(cache, a, "alice", version: 1);
        Put(cache, b, "bob", version: 1);

        Assert.True(cache.TryGet(a, out _, out var first));
        Assert.True(cache.TryGet(b, out _, out var second));
        Assert.Equal(("alice", "bob"), (first.Identity.Sub, second.Identity.Sub));
    }

    // A slow read of the database that began before a change must not put back what was true then.
    [Fact]
    public void An_older_version_never_replaces_a_newer_one()
    {
        var cache = new SessionCache(100);
        Put(cache, Id(1), "new", version: 5);
        Put(cache, Id(1), "old", version: 4);

        Assert.True(cache.TryGet(Id(1), out var session, out var identity));
        Assert.Equal((5L, "new"), (session.Version, identity.Identity.Sub));
    }

    // A refresh that failed reads the session anew: that it was tried was forgotten thereby, and every request tried again.
    [Fact]
    public void What_only_memory_knows_survives_a_reading()
    {
        var cache = new SessionCache(100);
        Put(cache, Id(1), "alice", version: 1);
        cache.Seen(Id(1), 70);
        cache.RefreshTried(Id(1), 80);
        Put(cache, Id(1), "alice", version: 2);

        Assert.True(cache.TryGet(Id(1), out var session, out _));
        Assert.Equal((70L, 80L, 2L), (session.SeenAt, session.RefreshTriedAt, session.Version));
    }

    // The name or address of a person changes without an event of the session: the same version, another identity.
    [Fact]
    public void An_identity_that_was_read_anew_replaces_the_one_in_use()
    {
        var cache = new SessionCache(100);
        Put(cache, Id(1), "before", version: 5);
        Assert.True(cache.TryGet(Id(1), out _, out var before));

        cache.MarkStale(Id(1));
        Put(cache, Id(1), "after", version: 5);

        Assert.True(cache.TryGet(Id(1), out var session, out var after));
        Assert.Equal(("before", "after", false), (before.Identity.Sub, after.Identity.Sub, session.Stale));
    }

    [Fact]
    public void Who_is_read_again_unchanged_stays_the_same_object()
    {
        var cache = new SessionCache(100);
        Put(cache, Id(1), "alice", version: 1);
        cache.TryGet(Id(1), out _, out var before);
        for (var i = 0; i < 100_000; i++)
        {
            Put(cache, Id(1), "alice", version: 1);
        }

        cache.TryGet(Id(1), out _, out var after);
        Assert.Same(before, after);
    }

    // The mark of a revocation is forgotten one day; a session that it ended must not come back then.
    [Fact]
    public void What_a_rule_calls_ended_is_remembered_as_over()
    {
        var cache = new SessionCache(100);
        Put(cache, Id(1), "alice", version: 1);
        Put(cache, Id(2), "bob", version: 1);

        cache.MarkOver(session => session.Id == Id(1).Value);

        Assert.True(cache.TryGet(Id(1), out var ended, out _) && ended.Over);
        Assert.True(cache.TryGet(Id(2), out var other, out _) && !other.Over);
    }

    [Fact]
    public void It_stays_within_its_bound_and_keeps_what_was_used_last()
    {
        var cache = new SessionCache(1000);
        for (var i = 1; i <= 5000; i++)
        {
            Put(cache, Id(i), $"user-{i}", version: 1);
            cache.Seen(Id(i), i);
        }

        Assert.InRange(cache.Count, 1, 1000);
        Assert.True(cache.TryGet(Id(5000), out _, out var last));
        Assert.Equal("user-5000", last.Identity.Sub);
        Assert.False(cache.TryGet(Id(1), out _, out _));
    }

    [Fact]
    public void What_is_over_stays_known_as_over()
    {
        var cache = new SessionCache(100);
        Put(cache, Id(1), "alice", version: 1);

        cache.MarkOver(Id(1));

        Assert.True(cache.TryGet(Id(1), out var session, out _) && session.Over);
    }

    // Readers take no lock: while a writer changes slots and the table grows, a reader must get one session whole or none.
    [Fact]
    public async Task Readers_beside_a_writer_never_see_half_a_session_or_another_ones_name()
    {
        var cache = new SessionCache(100_000);
        Put(cache, Id(1), "1:0", version: 0);
        using var stop = new CancellationTokenSource();
        var reader = Task.Run(() =>
        {
            var reads = 0;
            do
            {
                for (var i = 1; i <= 50; i++)
                {
                    if (cache.TryGet(Id(i), out var session, out var identity))
                    {
                        Assert.Equal(Id(i), session.SessionId);
                        Assert.Equal($"{i}:{session.Version}", identity.Identity.Sub);
                        reads++;
                    }
                }
            }
            while (!stop.IsCancellationRequested);

            return reads;
        });

        for (var round = 1; round <= 400; round++)
        {
            for (var i = 1; i <= 50; i++)
            {
                Put(cache, Id(i), $"{i}:{round}", round);
            }
        }

        await stop.CancelAsync();
        Assert.True(await reader > 0);
    }

    [Fact]
    public void Made_up_ids_are_remembered_as_unknown_in_fixed_space()
    {
        var unknown = new UnknownIds();
        for (var i = 1; i <= 10_000; i++)
        {
            unknown.Add(Id(i));
        }

        Assert.True(unknown.Contains(Id(10_000)));
        Assert.False(unknown.Contains(Id(10_001)));
    }

    internal static SessionId Id(int i) => new(KeyHash.Of("test", $"{i}"));

    internal static CachedSession Session(SessionId id, long position = 0, long version = 1) => new()
    {
        Id = id.Value,
        Version = version,
        Position = position,
        ExpiresAt = long.MaxValue,
    };

    private static void Put(SessionCache cache, SessionId id, string sub, long version) =>
        cache.Put(Session(id, version: version), new CachedIdentity(id.Value, new Identity
        {
            SubjectKey = default,
            Issuer = "https://idp.test",
            Sub = sub,
            Groups = ["staff", "ärzte"],
        }));
}
