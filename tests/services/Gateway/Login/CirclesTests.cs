using System.Net;
using EventAuth.Services.Tests.Conformance;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>A browser that signs in again and again is stopped, on a page that names the likeliest cause.</summary>
public sealed class CirclesTests(CirclesTests.Fixture fixture) : IClassFixture<CirclesTests.Fixture>
{
    private const int Rounds = 5;

    private World World => fixture.World;

    [StoreFact]
    public async Task A_browser_that_sends_no_cookie_is_told_of_cookies()
    {
        var browser = World.NewBrowser();
        for (var round = 0; round < Rounds; round++)
        {
            await SignInAsync(browser);
            browser.SetCookie("eventauth", "");
        }

        browser.ForgetAllBut("eventauth-login");
        await StoppedAsync(await browser.VerifyAsync("/x"), "circles cookies", "cookies are blocked");
    }

    [StoreFact]
    public async Task A_session_that_is_over_at_once_is_told_of_clocks()
    {
        var browser = World.NewBrowser();
        for (var round = 0; round < Rounds; round++)
        {
            await SignInAsync(browser);
            browser.SetCookie("eventauth", new string('A', 43));
        }

        await StoppedAsync(await browser.VerifyAsync("/x"), "circles clock", "the clock of one of our machines is wrong");
    }

    [StoreFact]
    public async Task Two_cookies_of_one_name_are_told_of_that()
    {
        var browser = World.NewBrowser();
        for (var round = 0; round < Rounds; round++)
        {
            await SignInAsync(browser);
            browser.SetCookie("eventauth", "x");
        }

        await StoppedAsync(await browser.VerifyAsync("/x"), "circles cookie-twice", "two cookies of the same name");
    }

    // Our own page sees the cookie, the application's host never does.
    [StoreFact]
    public async Task A_host_outside_the_cookie_domain_is_named_as_such()
    {
        var browser = World.NewBrowser();
        await SignInAsync(browser);
        var answer = await AtAsync(browser, "app.localhost");
        for (var round = 0; round < Rounds && answer.StatusCode == HttpStatusCode.Found; round++)
        {
            // The page of the application again, without the cookie that stays at our own host.
            answer = await AtAsync(browser, "app.localhost");
        }

        await StoppedAsync(answer, "circles cookie-domain", "app.localhost is outside the cookie domain (localhost)");
    }

    [StoreFact]
    public async Task A_page_opened_by_http_is_told_of_https()
    {
        await using var world = await World.StartAsync(fixture.Store, settings: new Dictionary<string, string> { ["publicUrl"] = "https://localhost:8080" });
        world.Idp.SignInAs(ConformanceFixture.Alice);
        var browser = world.NewBrowser();
        for (var round = 0; round < Rounds; round++)
        {
            var answer = await browser.VerifyAsync("/x");
            await browser.FollowAsync(await browser.FollowAsync(answer));
            browser.ForgetAllBut("__Host-eventauth-login");
        }

        await StoppedAsync(await browser.VerifyAsync("/x"), "circles http", "Open it by https");
    }

    // A circle is a matter of a minute; later it may be another day, with another cause.
    [StoreFact]
    public async Task After_a_minute_it_may_be_tried_again()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        await using var world = await World.StartAsync(fixture.Store, idp: new StubIdp.StubOptions { Clock = clock }, clock: clock);
        world.Idp.SignInAs(ConformanceFixture.Alice);
        var browser = world.NewBrowser();
        for (var round = 0; round < Rounds; round++)
        {
            await browser.FollowAsync(await browser.FollowAsync(await browser.GetAsync("/auth/login?rd=/x")));
            browser.ForgetAllBut("eventauth-login");
        }

        Assert.Equal(HttpStatusCode.BadRequest, (await browser.GetAsync("/auth/login?rd=/x")).StatusCode);
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(HttpStatusCode.Found, (await browser.GetAsync("/auth/login?rd=/x")).StatusCode);
    }

    private async Task SignInAsync(Browser browser)
    {
        World.Idp.SignInAs(ConformanceFixture.Alice);
        await browser.FollowAsync(await browser.FollowAsync(await browser.VerifyAsync("/x")));
    }

    // As a browser does: to the application's host it sends nothing of ours.
    private static async Task<HttpResponseMessage> AtAsync(Browser browser, string host)
    {
        var answer = await browser.VerifyAsync("/x", change: r =>
        {
            r.Headers.Remove("X-Forwarded-Host");
            r.Headers.Add("X-Forwarded-Host", host);
            r.Headers.Add("Cookie", "unrelated=1");
        });
        return await browser.FollowAsync(answer);
    }

    private async Task StoppedAsync(HttpResponseMessage answer, string reason, string advice)
    {
        var page = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{answer.StatusCode}: {page}");
        Assert.Contains(advice, page, StringComparison.Ordinal);
        Assert.True(page.Length < 2048, $"{page.Length}");
        Assert.Null(answer.Headers.Location);
        Assert.Equal(reason, await SignInTrial.ReasonAsync(fixture.Store, page));
    }

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, settings: new Dictionary<string, string>
        {
            ["rules.5.host"] = "*.localhost",
            ["rules.5.access"] = "authenticated",
        });
    }
}
