using System.Net;
using System.Text.RegularExpressions;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Gateway.Pages;

public sealed partial class SigningOutTests : IClassFixture<SigningOutTests.Fixture>
{
    private static readonly StubUser Alice = new("alice", "alice@example.test", "Alice <b>");

    private readonly World _world;
    private readonly TestStore _store;

    public SigningOutTests(Fixture fixture)
    {
        (_world, _store) = (fixture.World, fixture.Store);
        _world.Idp.SignInAs(Alice);
    }

    [StoreFact]
    public async Task It_ends_here_first_then_at_the_idp_with_a_hint_and_a_way_back()
    {
        var browser = await SignedInAsync();
        var cookie = browser.SessionCookie!;
        var answer = await SignOutAsync(browser, await TokenAsync(browser));
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.StartsWith(_world.Idp.Issuer + "/end-session", answer.Headers.Location!.ToString(), StringComparison.Ordinal);
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(answer.Headers.Location.Query);
        Assert.Equal($"{World.PublicUrl}/auth/logged-out", query["post_logout_redirect_uri"]);
        Assert.NotEmpty(query["id_token_hint"].ToString());
        Assert.NotEmpty(query["state"].ToString());
        Assert.Null(browser.SessionCookie);

        // Wish 22: a copied cookie is dead everywhere.
        var copy = _world.NewBrowser();
        copy.SetCookie("eventauth", cookie);
        await Until.TrueAsync("the copy is dead", async () => (await copy.CallAsync("/x")).StatusCode == HttpStatusCode.Unauthorized);
    }

    [StoreFact]
    public async Task The_idp_is_told_to_forget_both_tokens_and_told_again_when_it_was_away()
    {
        await using var world = await World.StartAsync(_store);
        world.Idp.SignInAs(Alice);
        world.Idp.Script(StubEndpoint.Revoke, StubAnswer.Empty(503));
        var browser = world.NewBrowser();
        await browser.OpenAsync("/x");
        await SignOutAsync(browser, await TokenAsync(browser));
        await Until.TrueAsync("both tokens were revoked", () => world.Idp.Log.All
            .Where(r => r.Endpoint == StubEndpoint.Revoke).Select(r => r.Parameters["token_type_hint"]).Distinct().Count() == 2);
        Assert.Equal(3, world.Idp.Log.Count(StubEndpoint.Revoke));
    }

    [StoreFact]
    public async Task A_link_on_another_site_signs_nobody_out()
    {
        // Logout CSRF: an image or a form of another site, with the victim's cookie.
        var browser = await SignedInAsync();
        await browser.GetAsync("/auth/logout");
        var token = await TokenAsync(browser);
        Assert.Equal(HttpStatusCode.Forbidden, (await SignOutAsync(browser, null)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await SignOutAsync(browser, token[..^1] + (token[^1] == 'A' ? 'B' : 'A'))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await SignOutAsync(browser, token, r => r.Headers.Add("Origin", "https://evil.test"))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await SignOutAsync(browser, token, r => r.Headers.Add("Sec-Fetch-Site", "same-site"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync("/x")).StatusCode);
    }

    [StoreFact]
    public async Task Somebody_elses_form_token_signs_nobody_out()
    {
        var (alice, mallory) = (await SignedInAsync(), await SignedInAsync());
        Assert.Equal(HttpStatusCode.Forbidden, (await SignOutAsync(alice, await TokenAsync(mallory))).StatusCode);
    }

    [StoreFact]
    public async Task It_ends_on_a_page_that_says_so()
    {
        var browser = await SignedInAsync();
        var token = await TokenAsync(browser);
        await SignOutAsync(browser, token);
        var page = await browser.GetAsync("/auth/logged-out");
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("You are signed out", await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task Whoever_has_no_session_is_told_so_and_not_shown_an_error()
    {
        var browser = _world.NewBrowser();
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/auth/logout")).StatusCode);
        var answer = await SignOutAsync(browser, null);
        Assert.Equal($"{World.PublicUrl}/auth/logged-out", answer.Headers.Location!.ToString());
    }

    [StoreFact]
    public async Task Pages_may_not_be_framed_cached_or_scripted_and_escape_names()
    {
        var browser = await SignedInAsync();
        foreach (var path in new[] { "/auth/logout", "/auth/sessions", "/auth/logged-out" })
        {
            var page = await browser.GetAsync(path);
            var text = await page.Content.ReadAsStringAsync();
            var policy = page.Headers.GetValues("Content-Security-Policy").Single();
            Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            var style = System.Text.Encoding.UTF8.GetBytes(StyleOf().Match(text).Groups[1].Value);
            Assert.Contains($"'sha256-{Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(style))}'", policy, StringComparison.Ordinal);
            Assert.Equal("no-store", page.Headers.CacheControl!.ToString());
            Assert.Equal("nosniff", page.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.DoesNotContain("Alice <b>", text, StringComparison.Ordinal);
            Assert.DoesNotContain("<script", text, StringComparison.Ordinal);
            Assert.DoesNotContain(browser.SessionCookie!, text, StringComparison.Ordinal);
        }
    }

    private async Task<Browser> SignedInAsync()
    {
        var browser = _world.NewBrowser();
        Assert.Equal(HttpStatusCode.OK, (await browser.OpenAsync("/x")).StatusCode);
        return browser;
    }

    private static async Task<string> TokenAsync(Browser browser) =>
        TokenOf().Match(await (await browser.GetAsync("/auth/logout")).Content.ReadAsStringAsync()).Groups[1].Value;

    private static Task<HttpResponseMessage> SignOutAsync(Browser browser, string? token, Action<HttpRequestMessage>? change = null) =>
        browser.OwnAsync(HttpMethod.Post, "/auth/logout", new FormUrlEncodedContent([new("token", token ?? "")]), change: change);

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store);
    }

    [GeneratedRegex("name=\"token\" value=\"([^\"]+)\"")]
    private static partial Regex TokenOf();

    [GeneratedRegex("<style>(.*?)</style>", RegexOptions.Singleline)]
    private static partial Regex StyleOf();
}
