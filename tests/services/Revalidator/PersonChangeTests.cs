using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>What becomes of name and address when the IdP says something else of them.</summary>
public sealed class PersonChangeTests(LiveStore store) : IClassFixture<LiveStore>
{
    // Rules look at the address: one that the IdP no longer vouches for must not open doors for ever.
    [StoreFact]
    public async Task An_email_address_that_the_IdP_takes_back_is_gone_and_one_it_does_not_mention_stays()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("withdrawn");
        await world.CheckAsync(id);
        world.Idp.Change(new StubUser("withdrawn", Name: "W"));
        await world.CheckAgainAsync(id);
        Assert.Equal(("withdrawn@example.test", "W"), ((await world.RowAsync(id)).Email, (await world.RowAsync(id)).Name));

        world.Idp.Change(new StubUser("withdrawn", "withdrawn@example.test") { EmailVerified = false });
        await world.CheckAgainAsync(id);
        Assert.Equal((null, "W"), ((await world.RowAsync(id)).Email, (await world.RowAsync(id)).Name));
    }

    [StoreFact]
    public async Task A_change_of_the_person_is_announced_once_for_each_of_their_live_sessions()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync("renamed");
        var elsewhere = await world.SignInAsync("renamed", nextCheckAt: world.Clock.GetUtcNow().AddHours(1));
        await world.CheckAsync(id);
        await world.CheckAgainAsync(id);
        Assert.Equal((1, 1), (await AnnouncedAsync(id), await AnnouncedAsync(elsewhere)));

        world.Idp.Change(new StubUser("renamed", "new@example.test", "New") { Groups = ["staff"] });
        await world.CheckAgainAsync(id);
        await world.CheckAgainAsync(id);
        Assert.Equal((2, 2), (await AnnouncedAsync(id), await AnnouncedAsync(elsewhere)));
    }

    private Task<long> AnnouncedAsync(SessionId id) =>
        store.CountAsync("select count(*) from {own}.revocation where kind = 4 and key = $1", id.Value);
}
