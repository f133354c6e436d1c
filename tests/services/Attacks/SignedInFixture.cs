using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>A gateway with a visitor who may read pages and is no administrator, and his cookie for the wire.</summary>
public sealed class SignedInFixture : WorldFixture
{
    internal const string Person = "bob";
    private string _cookie = "";

    internal ServiceUnderTest Gateway => World.Gateways[0];

    /// <summary>The question about Bob's own request.</summary>
    internal RawQuestion Bob => new() { Cookie = _cookie };

    /// <summary>The question about anybody's.</summary>
    internal static RawQuestion Nobody => new();

    internal override async Task<World> StartAsync(TestStore store)
    {
        var world = await World.StartAsync(store, revalidator: true);
        var browser = await world.SignInAsync(new StubUser(Person, "bob@example.test", "Bob") { Groups = ["staff"] });
        _cookie = $"eventauth={browser.SessionCookie}";
        return world;
    }

    /// <summary>What the application would be told: each header once, and of Bob only.</summary>
    internal static void AssertBobAndNobodyElse(RawAnswer answer)
    {
        Assert.Equal(200, answer.Status);
        Assert.All(IdentityHeaders.All, name => Assert.Single(answer.Header(name)));
        Assert.Equal([Person], answer.Header(IdentityHeaders.User));
        Assert.Equal([Person], answer.Header(IdentityHeaders.AuthRequestUser));
        Assert.Equal([""], answer.Header(IdentityHeaders.Roles));
        Assert.DoesNotContain("evil", answer.Text, StringComparison.OrdinalIgnoreCase);
    }
}
