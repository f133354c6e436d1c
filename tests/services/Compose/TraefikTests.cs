using System.Net;

namespace EventAuth.Services.Tests.Compose;

/// <summary>The main edge, in one story: its world is started for it alone.</summary>
[Collection(Name)]
public sealed class TraefikTests
{
    private const string Name = "Behind Traefik";

    [TraefikFact]
    public async Task Behind_Traefik_people_sign_in_and_out_and_lies_do_not_arrive()
    {
        await using var world = await ComposeWorld.StartAsync("traefik", "10m");
        using var alice = world.NewBrowser();

        var page = await alice.SignInAsync("alice", "/page");
        var lie = await alice.CallAsync("/", r => r.Headers.TryAddWithoutValidation("X-User-Roles", "mallory"));
        var lookAlike = await alice.CallAsync("/", r => r.Headers.TryAddWithoutValidation("X_User_Roles", "mallory"));

        Assert.Equal(new Uri(world.Edge, "/page"), page.Url);
        Assert.Equal(HttpStatusCode.OK, lie.Status);
        Assert.DoesNotContain("mallory", lie.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("mallory", lookAlike.Text, StringComparison.Ordinal);
        await Revocation.AtTheIdpAsync(alice, world);
        await Revocation.ArrivesAsync(alice);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.CallAsync("/")).Status);
    }

    [TraefikFact]
    public async Task Behind_Traefik_no_spelling_of_any_header_tells_the_application_a_lie()
    {
        await using var world = await ComposeWorld.StartAsync("traefik", "10m");

        await SpoofedHeadersTests.AssertNoLieArrivesAsync(world, "traefik");
    }

    /// <summary>Tells the runner to run nothing beside it.</summary>
    [CollectionDefinition(Name, DisableParallelization = true)]
    public sealed class Alone;
}
