using System.Net;
using System.Text.RegularExpressions;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Flows;

/// <summary>A browser that was signed out, here, there or everywhere, sees a page that says so and a way on; never an error.</summary>
public sealed partial class LoggedOutBrowserTests(LoggedOutBrowserTests.Setup setup) : IClassFixture<LoggedOutBrowserTests.Setup>
{
    public sealed class Setup : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, gateways: 2,
            settings: new Dictionary<string, string> { ["providers.0.frontchannelLogout"] = "true" });
    }

    private World World => setup.World;

    private Uri Webhook => new(World.Logout.Public, "/backchannel-logout");

    [StoreFact]
    public async Task An_open_tab_goes_to_sign_in_at_its_next_step_and_the_pages_here_say_what_happened()
    {
        var browser = await World.SignInAsync(new StubUser("open-tab"));
        var form = await FormAsync(browser);
        Assert.Equal(200, await World.Idp.SendLogoutTokenAsync(Webhook, "open-tab", null, default));
        await Until.TrueAsync("programs in the tab hear it", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);

        await AssertSignedOutPageAsync(await browser.GetAsync("/auth/logout"));
        await AssertSignedOutPageAsync(await browser.GetAsync("/auth/logged-out"));
        // The form was open in another tab: there is nothing left to protect or to end.
        var submitted = await browser.OwnAsync(HttpMethod.Post, "/auth/logout", form);
        Assert.Equal((HttpStatusCode.SeeOther, $"{World.PublicUrl}/auth/logged-out"), (submitted.StatusCode, submitted.Headers.Location!.ToString()));
        await AssertSignedOutPageAsync(await browser.FollowAsync(submitted));

        var next = await browser.VerifyAsync("/x");
        Assert.Equal(HttpStatusCode.Found, next.StatusCode);
        Assert.StartsWith($"{World.Idp.Issuer}/authorize", next.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.Null(browser.SessionCookie);
        Assert.Equal(HttpStatusCode.OK, (await browser.OpenAsync("/x")).StatusCode);
    }

    [StoreFact]
    public async Task Whoever_the_IdP_does_not_know_any_more_either_gets_a_page_with_a_way_on()
    {
        var browser = await World.SignInAsync(new StubUser("gone"));
        Assert.Equal(200, await World.Idp.SendLogoutTokenAsync(Webhook, "gone", null, default));
        await Until.TrueAsync("it is heard", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
        World.Idp.SignInAs(null);

        var page = await browser.OpenAsync("/x");

        var text = await page.Content.ReadAsStringAsync();
        Assert.Equal((HttpStatusCode.Forbidden, "text/html"), (page.StatusCode, page.Content.Headers.ContentType?.MediaType));
        Assert.Contains("/auth/login?rd=", text, StringComparison.Ordinal);
    }

    // Conformance: rp-init-logout, -other-state and -no-state. Whatever comes with the browser is not looked at, so nothing
    // can be forged with it: no redirect, no echo, no error.
    [StoreTheory]
    [InlineData("?state={0}")]
    [InlineData("?state={0}INVALID")]
    [InlineData("")]
    [InlineData("?state={0}&state=other")]
    [InlineData("?state=%zz%00<script>alert(1)</script>&error=x&error_description=<b>&rd=https://evil.example&post_logout_redirect_uri=//evil.example")]
    public async Task Coming_back_from_the_IdP_ends_on_the_page_whatever_the_state(string query)
    {
        var browser = await World.SignInAsync(new StubUser("coming-back"));
        var toIdp = await browser.OwnAsync(HttpMethod.Post, "/auth/logout", await FormAsync(browser));
        Assert.StartsWith($"{World.Idp.Issuer}/end-session", toIdp.Headers.Location!.ToString(), StringComparison.Ordinal);
        var back = (await browser.FollowAsync(toIdp)).Headers.Location!;
        var state = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(back.Query)["state"].ToString();
        Assert.NotEmpty(state);

        var address = back.AbsolutePath + string.Format(null, query, state);
        for (var reload = 0; reload < 2; reload++)
        {
            var text = await AssertSignedOutPageAsync(await browser.GetAsync(address));
            Assert.DoesNotContain("evil", text, StringComparison.Ordinal);
            Assert.DoesNotContain("<script", text, StringComparison.Ordinal);
            Assert.DoesNotContain(state, text, StringComparison.Ordinal);
        }
    }

    // Conformance: rp-backchannel-rpinitlogout. The logout token comes while our own redirect is still being answered, so
    // the webhook must not wait for the browser.
    [StoreFact]
    public async Task A_logout_token_sent_while_the_browser_waits_at_the_IdP_holds_nothing_up()
    {
        var (browser, phone) = (await World.SignInAsync(new StubUser("both-ways")), await World.SignInAsync(new StubUser("both-ways")));
        var toIdp = await browser.OwnAsync(HttpMethod.Post, "/auth/logout", await FormAsync(browser));
        World.Idp.BackchannelLogout = Webhook;
        try
        {
            await AssertSignedOutPageAsync(await browser.FollowAsync(await browser.FollowAsync(toIdp)));
        }
        finally
        {
            World.Idp.BackchannelLogout = null;
        }

        await Until.TrueAsync("the phone is out too", async () => (await phone.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
    }

    [StoreFact]
    public async Task The_way_back_in_from_the_page_ends_on_a_page_of_ours()
    {
        World.Idp.SignInAs(new StubUser("again"));
        var browser = World.NewBrowser();
        var text = await AssertSignedOutPageAsync(await browser.GetAsync("/auth/logged-out"));
        var link = new Uri(WebUtility.HtmlDecode(LinkOf().Match(text).Groups[1].Value));
        var answer = await browser.GetAsync(link.PathAndQuery);
        while (answer.StatusCode == HttpStatusCode.Found)
        {
            answer = await browser.FollowAsync(answer);
        }

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("Your sessions", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    // Once is an accident and the sign-in begins again by itself; twice is somebody's will, and gets a page.
    [StoreFact]
    public async Task Being_signed_out_while_signing_in_begins_again_once_and_then_says_so()
    {
        World.Idp.SignInAs(new StubUser("overtaken"));
        var points = World.Gateways[0].Services.GetRequiredService<Failpoints>();
        points.Set(Failpoints.LoginAfterToken, async () =>
            Assert.Equal(200, await World.Idp.SendLogoutTokenAsync(Webhook, "overtaken", null, default)));
        var browser = World.NewBrowser();
        HttpResponseMessage page;
        try
        {
            page = await browser.OpenAsync("/x");
        }
        finally
        {
            points.Set(Failpoints.LoginAfterToken, null);
        }

        Assert.Equal((HttpStatusCode.Forbidden, "text/html"), (page.StatusCode, page.Content.Headers.ContentType?.MediaType));
        Assert.Contains("You were signed out", await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Null(browser.SessionCookie);
        Assert.Equal(HttpStatusCode.OK, (await browser.OpenAsync("/x")).StatusCode);
    }

    // Conformance: rp-frontchannel-rpinitlogout and -opinitlogout, as far as a relying party sees them: a frame is loaded.
    [StoreFact]
    public async Task A_frame_on_the_IdPs_page_signs_out_on_every_gateway_and_the_audit_says_so()
    {
        var root = await World.SignInAsync(new StubUser("root") { Groups = ["admins"] });
        var browser = await World.SignInAsync(new StubUser("framed"));
        var sid = (await setup.Store.QueryAsync("select sid from eventauth.session where sub = 'framed'"))[0][0];
        using var http = new HttpClient();
        using var frame = await http.GetAsync(new Uri(World.Logout.Public,
            $"/frontchannel-logout?iss={Uri.EscapeDataString(World.Idp.Issuer)}&sid={Uri.EscapeDataString(sid)}"));
        Assert.Equal(HttpStatusCode.OK, frame.StatusCode);

        foreach (var gateway in new[] { 0, 1 })
        {
            await Until.TrueAsync("each gateway refuses", async () => (await browser.CallAsync(gateway: gateway)).StatusCode == HttpStatusCode.Unauthorized);
        }

        var key = new Subject(World.Idp.Issuer, "framed").Key;
        await Until.TrueAsync("revocation and end are on record", async () =>
        {
            var story = await (await root.GetAsync($"/api/audit/subjects/{key}")).Content.ReadAsStringAsync();
            return Count(story, "\"reason\":\"FrontchannelLogout\"") + Count(story, "\"reason\": \"FrontchannelLogout\"") == 2
                && story.Contains("frontchannel-logout:", StringComparison.Ordinal);
        });
        await AssertSignedOutPageAsync(await browser.GetAsync("/auth/logged-out"));
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private static async Task<string> AssertSignedOutPageAsync(HttpResponseMessage answer)
    {
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(answer.Headers.Location);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Contains("You are signed out", text, StringComparison.Ordinal);
        return text;
    }

    private static async Task<FormUrlEncodedContent> FormAsync(Browser browser)
    {
        var page = await (await browser.GetAsync("/auth/logout")).Content.ReadAsStringAsync();
        return new FormUrlEncodedContent([new("token", TokenOf().Match(page).Groups[1].Value)]);
    }

    [GeneratedRegex("name=\"token\" value=\"([^\"]+)\"")]
    private static partial Regex TokenOf();

    [GeneratedRegex("<a href=\"([^\"]+)\">Sign in again")]
    private static partial Regex LinkOf();
}
