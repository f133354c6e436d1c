using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Faults;

/// <summary>Somebody restores a backup, or fails over to a standby that lagged: positions are used a second time.</summary>
public sealed class RestoredStoreTests
{
    // The restored feed ends below where the gateway was, then grows past it before the gateway looks again: reading on
    // "after the last position" would miss everything that took the lost positions.
    [StoreTheory]
    [InlineData(3)]
    [InlineData(30)]
    public async Task A_feed_that_went_back_is_noticed_even_when_it_has_grown_past_us_again(int revocationsSince)
    {
        await using var store = await TestStore.CreateAsync("restored");
        await using var world = await World.StartAsync(store);
        var webhook = new Uri(world.Logout.Public, "/backchannel-logout");
        for (var i = 0; i < 10; i++)
        {
            await world.Idp.SendLogoutTokenAsync(webhook, $"somebody-{i}", null, CancellationToken.None);
        }

        var browser = await SignedInAsync(world);
        var key = new Subject(world.Idp.Issuer, "alice").Key.Value;

        // The last five are lost, and what happens after the restore takes their positions; the first of it ends alice.
        await store.ExecuteAsync($"""
            begin;
            delete from eventauth.revocation where position > 5;
            update eventauth.session set position = 5;
            insert into eventauth.revocation (position, kind, key, stream_id, event_id, committed_at)
            select 5 + i, 1, case when i = 1 then '{key}'::uuid else gen_random_uuid() end, 'restored', gen_random_uuid(), now()
            from generate_series(1, {revocationsSince}) i;
            commit;
            """);

        await Until.TrueAsync("the gateway has noticed and read everything anew", async () =>
            (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
        await Until.TrueAsync("the gateway is ready again", world.Gateways[0].IsReadyAsync);
    }

    private static async Task<Browser> SignedInAsync(World world)
    {
        world.Idp.SignInAs(new StubUser("alice"));
        var browser = world.NewBrowser();
        await browser.OpenAsync();
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        return browser;
    }
}
