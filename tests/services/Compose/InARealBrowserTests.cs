namespace EventAuth.Services.Tests.Compose;

/// <summary>Cookies, redirects, forms and Content-Security-Policy as a browser understands them, not as we do.</summary>
[Collection(Caddy.Collection)]
public sealed class InARealBrowserTests(Caddy edge)
{
    [BrowserFact]
    public async Task A_person_signs_in_sees_their_sessions_and_signs_out_for_good()
    {
        await using var browser = await WebDriver.StartAsync();
        await SignInAsync(browser);

        Assert.Equal("Hello, alice", await browser.TextAsync("h1"));
        Assert.Equal(new Uri(edge.World.Edge, "/reports?year=2026"), await browser.UrlAsync());
        await browser.PictureAsync("2-application");

        await browser.GoAsync(new Uri(edge.World.Edge, "/auth/sessions"));
        Assert.Equal("Your sessions", await browser.TextAsync("h1"));
        Assert.Contains("Chrome on Linux", await browser.TextAsync("tbody"), StringComparison.Ordinal);
        Assert.Contains("this one", await browser.TextAsync("tbody"), StringComparison.Ordinal);
        await browser.PictureAsync("3-sessions");

        await SignOutAsync(browser);

        await browser.GoAsync(edge.World.Edge);
        await browser.TextAsync("input[name=password]");
        Assert.Equal(edge.World.Idp.Host, (await browser.UrlAsync()).Authority);
        Assert.DoesNotContain(await browser.ComplaintsAsync(), c => c.Contains("Content Security Policy", StringComparison.Ordinal));
    }

    private async Task SignInAsync(WebDriver browser)
    {
        await browser.GoAsync(new Uri(edge.World.Edge, "/reports?year=2026"));
        await browser.PictureAsync("1-sign-in");
        await browser.TypeAsync("input[name=user]", "alice");
        await browser.TypeAsync("input[name=password]", "alice");
        await browser.ClickAsync("button");
        await browser.TextAsync("table");
    }

    // The page's button, then the IdP's own question.
    private async Task SignOutAsync(WebDriver browser)
    {
        await browser.ClickAsync("form[action$='/auth/logout'] button");
        await browser.PictureAsync("4-idp-asks");
        await browser.ClickAsync("button[name=logout]");
        await browser.TextAsync("a[href*='/auth/login']");
        Assert.Equal("You are signed out", await browser.TextAsync("h1"));
        Assert.Equal(new Uri(edge.World.Edge, "/auth/logged-out").AbsolutePath, (await browser.UrlAsync()).AbsolutePath);
        await browser.PictureAsync("5-signed-out");
    }
}
