using EventAuth.Contracts;
using EventAuth.Gateway.Cache;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Cache;

public sealed class RevocationViewTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly ManualClock _clock = new(Noon);
    private readonly RevocationView _view;

    public RevocationViewTests() => _view = new RevocationView(_clock, TimeSpan.FromSeconds(5));

    [Fact]
    public void Before_the_first_read_memory_counts_for_nothing() => Assert.False(_view.LeaseHolds);

    // A process that was stopped for ten seconds wakes up and must not answer from what it knew.
    [Fact]
    public void The_lease_counts_from_the_beginning_of_the_read_and_lapses_after_the_bound()
    {
        var startedAt = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromSeconds(3));
        _view.Completed(startedAt, 1);

        Assert.True(_view.LeaseHolds);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True(_view.LeaseHolds);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.False(_view.LeaseHolds);
    }

    [Theory]
    [InlineData(RevocationKind.Subject)]
    [InlineData(RevocationKind.ProviderSession)]
    [InlineData(RevocationKind.Session)]
    [InlineData((RevocationKind)77)]
    public void A_revocation_hits_what_began_before_and_nothing_that_began_after(RevocationKind kind)
    {
        var key = Guid.Parse("00000000000000000000000000000001");
        _view.Apply(new Revocation(10, kind, key, Noon));

        Assert.True(_view.Ends(Of(key, position: 9)));
        Assert.False(_view.Ends(Of(key, position: 10)));
        Assert.False(_view.Ends(Of(Guid.Parse("00000000000000000000000000000002"), position: 9)));
    }

    [Fact]
    public void Everybody_means_everybody_who_began_before()
    {
        _view.Apply(new Revocation(10, RevocationKind.Everybody, Guid.Empty, Noon));

        Assert.True(_view.Ends(Of(Guid.Parse("00000000000000000000000000000001"), position: 9)));
        Assert.False(_view.Ends(Of(Guid.Parse("00000000000000000000000000000001"), position: 10)));
    }

    // A message that was stuck in a queue arrives after the person signed in again.
    [Fact]
    public void A_late_or_doubled_message_changes_nothing()
    {
        var key = Guid.Parse("00000000000000000000000000000001");
        _view.Apply(new Revocation(10, RevocationKind.Subject, key, Noon));
        _view.Apply(new Revocation(7, RevocationKind.Subject, key, Noon));

        Assert.True(_view.Ends(Of(key, position: 9)));
        Assert.False(_view.Ends(Of(key, position: 12)));
    }

    [Fact]
    public void A_change_ends_nobody_but_is_noticed_by_whoever_was_reading()
    {
        var id = SessionCacheTests.Id(1);
        _view.Apply(new Revocation(10, RevocationKind.Changed, id.Value, Noon));

        Assert.False(_view.Ends(SessionCacheTests.Session(id)));
        Assert.Equal(10, _view.ChangedAt(id));
    }

    [Fact]
    public void Only_what_can_hit_nobody_any_more_is_forgotten()
    {
        var (old, young) = (Guid.Parse("00000000000000000000000000000001"), Guid.Parse("00000000000000000000000000000002"));
        _view.Apply(new Revocation(10, RevocationKind.Subject, old, Noon.AddHours(-25)));
        _view.Apply(new Revocation(11, RevocationKind.Subject, young, Noon.AddHours(-23)));

        _view.Prune(Noon.AddHours(-24));

        Assert.False(_view.Ends(Of(old, position: 1)));
        Assert.True(_view.Ends(Of(young, position: 1)));
    }

    [Fact]
    public void Another_store_makes_all_knowledge_worthless()
    {
        _view.Completed(_clock.GetTimestamp(), 10);
        _view.Reset();

        Assert.False(_view.LeaseHolds);
        Assert.Equal(0, _view.Applied);
    }

    private static CachedSession Of(Guid key, long position) => SessionCacheTests.Session(SessionCacheTests.Id(1), position) with
    {
        SubjectKey = key,
        ProviderSessionKey = key,
        Id = key,
    };
}
