using System.Net;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>Groups that the IdP gives, takes or does not mention, while somebody is signed in.</summary>
public sealed class ClaimsTests
{
    // One mapping at login, refresh and revalidation: a product that lost the groups at refresh locked its people out.
    [StoreFact]
    public async Task A_change_bites_at_the_next_request_on_every_replica_and_silence_changes_nothing()
    {
        await using var store = await TestStore.CreateAsync("claims");
        await using var world = await World.StartAsync(store, gateways: 2, revalidator: true,
            idp: new StubOptions { AccessLifetime = TimeSpan.FromSeconds(4) },
            settings: new Dictionary<string, string> { ["revalidation.interval"] = "1s", ["revalidation.idleInterval"] = "0s" });
        var browser = await world.SignInAsync(new StubUser("ada") { Groups = ["admins"] });
        await SeesAsync(HttpStatusCode.OK);

        // No groups claim, in two more checks at least, and in refreshes by gateways: nothing changes.
        world.Idp.Change(new StubUser("ada"));
        var before = world.Idp.Log.Count(StubEndpoint.UserInfo);
        await Until.TrueAsync("it was asked again twice", () => world.Idp.Log.Count(StubEndpoint.UserInfo) >= before + 2);
        await SeesAsync(HttpStatusCode.OK);
        Assert.Equal("0", (await store.QueryAsync("select count(*) from eventauth_events.mt_events where type = 'session_claims_changed'"))[0][0]);

        // An empty list is a word: no group is left.
        world.Idp.Change(new StubUser("ada") { Groups = [] });
        await Until.TrueAsync("the change is on record", async () =>
            (await store.QueryAsync("select 1 from eventauth_events.mt_events where type = 'session_claims_changed'")).Count == 1);
        await Until.TrueAsync("both keep her out", async () => await StatusAsync(0) == HttpStatusCode.Forbidden
            && await StatusAsync(1) == HttpStatusCode.Forbidden, TimeSpan.FromSeconds(2));

        world.Idp.Change(new StubUser("ada") { Groups = ["admins", "staff"] });
        await Until.TrueAsync("both let her in", async () => await StatusAsync(0) == HttpStatusCode.OK && await StatusAsync(1) == HttpStatusCode.OK);

        async Task<HttpStatusCode> StatusAsync(int gateway) => (await browser.CallAsync("/admin", gateway)).StatusCode;

        async Task SeesAsync(HttpStatusCode expected) => Assert.Equal((expected, expected), (await StatusAsync(0), await StatusAsync(1)));
    }
}
