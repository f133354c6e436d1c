using EventAuth.Adapters.Postgres;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;

namespace EventAuth.Services.Tests.Store;

/// <summary>Who may publish which rows.</summary>
public sealed class OutboxClaimTests(LiveStore store) : IClassFixture<LiveStore>
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private Outbox Outbox => new(store.Database);

    // Two services published rows of one person at the same time, the later one first.
    [StoreFact]
    public async Task While_somebody_holds_a_row_the_later_rows_of_its_key_wait_and_those_of_others_do_not()
    {
        await EmptyAsync();
        var (alice, bob) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await AnnounceAsync(alice, alice, bob);

        var first = Assert.Single(await Outbox.ClaimAsync(1, Minute, default));
        var second = await Outbox.ClaimAsync(10, Minute, default);

        Assert.Equal(alice, first.Row.Key);
        Assert.Equal([bob], second.Select(r => r.Row.Key));
        await Outbox.MarkAsync([first.Position], default);
        Assert.Equal([alice], (await Outbox.ClaimAsync(10, Minute, default)).Select(r => r.Row.Key));
    }

    // A process that stood still for longer than its claim wakes up and gives back what another one is publishing.
    [StoreFact]
    public async Task Who_comes_too_late_gives_nothing_back_that_somebody_else_holds_by_now()
    {
        await EmptyAsync();
        await AnnounceAsync(Guid.CreateVersion7());
        var late = await Outbox.ClaimAsync(10, TimeSpan.Zero, default);
        var now = await Outbox.ClaimAsync(10, Minute, default);

        await Outbox.ReleaseAsync(late, default);

        Assert.Equal(late.Select(r => r.Position), now.Select(r => r.Position));
        Assert.Empty(await Outbox.ClaimAsync(10, Minute, default));
    }

    [StoreFact]
    public async Task Many_that_claim_at_once_get_every_row_once_and_never_two_of_one_key()
    {
        await EmptyAsync();
        var keys = Enumerable.Range(0, 20).Select(_ => Guid.CreateVersion7()).ToArray();
        await AnnounceAsync([.. keys, .. keys]);

        var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Outbox.ClaimAsync(5, Minute, default)));

        var claimed = claims.SelectMany(c => c).ToList();
        Assert.Equal(20, claimed.Count);
        Assert.Equal(20, claimed.Select(r => r.Row.Key).Distinct().Count());
    }

    private async Task EmptyAsync() => await store.ExecuteAsync("update {own}.revocation set published_at = clock_timestamp() where published_at is null");

    private Task AnnounceAsync(params Guid[] keys) => store.ExecuteAsync("""
        select {own}.announce({own}.draw_position(), 1::smallint, key, 'test', gen_random_uuid())
        from unnest($1::uuid[]) with ordinality as k (key, i) order by i
        """, keys);
}
