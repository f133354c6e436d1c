using System.Net;
using System.Text.RegularExpressions;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Gateway.Login;

public sealed partial class LoginCookieTests(LoginCookieTests.Fixture fixture) : IClassFixture<LoginCookieTests.Fixture>
{
    [StoreFact]
    public async Task Over_https_it_belongs_to_one_host()
    {
        await using var world = await World.StartAsync(fixture.Store, settings: new Dictionary<string, string> { ["publicUrl"] = "https://localhost:8080" });
        var answer = await world.NewBrowser().GetAsync("/auth/login?rd=/x");
        Assert.Equal("__Host-eventauth-login=*; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax", CookieOf(answer));
    }

    [StoreFact]
    public async Task With_a_cookie_domain_a_sign_in_begins_on_every_host_of_it()
    {
        await using var world = await World.StartAsync(fixture.Store, settings: OfDomain);
        var answer = await StoppedAtAsync(world, "app.example.test");
        Assert.StartsWith(world.Idp.Issuer, answer.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.Equal(
            "__Secure-eventauth-login=*; Max-Age=600; Domain=example.test; Path=/; Secure; HttpOnly; SameSite=Lax", CookieOf(answer));
    }

    [StoreFact]
    public async Task Where_the_cookie_does_not_reach_the_sign_in_begins_on_the_public_host()
    {
        await using var world = await World.StartAsync(fixture.Store, settings: OfDomain);
        var answer = await StoppedAtAsync(world, "notexample.test");
        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        Assert.Equal(
            "https://auth.example.test/auth/login?rd=https%3A%2F%2Fnotexample.test%2Fx%3Fy%3D1", answer.Headers.Location!.OriginalString);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [StoreFact]
    public async Task Two_of_them_count_as_none()
    {
        // A neighbour on the same domain tosses in a cookie of the same name, so that the victim finishes his login.
        await using var world = await World.StartAsync(fixture.Store);
        var browser = world.NewBrowser();
        world.Idp.SignInAs(new StubIdp.StubUser("alice"));
        var callback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
        var mine = browser.Cookie("eventauth-login");
        var answer = await browser.GetAsync(callback.Headers.Location!.PathAndQuery, change: r =>
            r.Headers.Add("Cookie", $"eventauth-login={mine}; eventauth-login={new string('A', 43)}.0.1"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(0, world.Idp.Log.Grants("authorization_code"));
    }

    private static Dictionary<string, string> OfDomain => new()
    {
        ["publicUrl"] = "https://auth.example.test",
        ["session.cookieDomain"] = "example.test",
        ["rules.3.host"] = "app.example.test",
        ["rules.4.host"] = "notexample.test",
    };

    private static Task<HttpResponseMessage> StoppedAtAsync(World world, string host) =>
        world.NewBrowser().VerifyAsync("/x?y=1", change: r =>
        {
            r.Headers.Remove("X-Forwarded-Host");
            r.Headers.Remove("X-Forwarded-Proto");
            r.Headers.Remove("X-Forwarded-Uri");
            r.Headers.Add("X-Forwarded-Host", host);
            r.Headers.Add("X-Forwarded-Proto", "https");
            r.Headers.Add("X-Forwarded-Uri", host.StartsWith("app", StringComparison.Ordinal) ? "/api/sessions" : "/x?y=1");
        });

    private static string CookieOf(HttpResponseMessage answer) =>
        ValueOf().Replace(answer.Headers.GetValues("Set-Cookie").Single(), "=*;", 1);

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store);
    }

    [GeneratedRegex("=[A-Za-z0-9_-]{43}\\.[0-9]+\\.[0-9]+;")]
    private static partial Regex ValueOf();
}
