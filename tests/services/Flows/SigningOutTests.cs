using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Flows;

/// <summary>A logout at the IdP reaches both gateways by the store alone.</summary>
public sealed class SigningOutTests(SigningOutTests.Setup setup) : IClassFixture<SigningOutTests.Setup>
{
    public sealed class Setup : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, gateways: 2);
    }

    private Uri Webhook => new(setup.World.Logout.Public, "/backchannel-logout");

    [StoreFact]
    public async Task A_logout_token_ends_the_session_on_both_gateways()
    {
        var browser = await SignedInAsync("alice");

        Assert.Equal(200, await setup.World.Idp.SendLogoutTokenAsync(Webhook, "alice", null, CancellationToken.None));

        await BothRefuseAsync(browser);
    }

    [StoreFact]
    public async Task A_logout_token_with_a_sid_ends_that_session_and_leaves_the_others_of_the_person()
    {
        var (laptop, phone) = (await SignedInAsync("carol"), await SignedInAsync("carol"));
        var sid = (await setup.Store.QueryAsync("select sid from eventauth.session where sub = 'carol' order by issued_at desc limit 1"))[0][0];

        Assert.Equal(200, await setup.World.Idp.SendLogoutTokenAsync(Webhook, "carol", sid, CancellationToken.None));

        await BothRefuseAsync(phone);
        Assert.Equal(HttpStatusCode.OK, (await laptop.CallAsync()).StatusCode);
    }

    [StoreFact]
    public async Task Whoever_signs_in_after_the_logout_stays_signed_in_even_when_the_token_is_sent_again()
    {
        var before = await SignedInAsync("dave");
        var token = setup.World.Idp.LogoutToken("dave", null);
        await setup.World.Idp.PostLogoutTokenAsync(Webhook, token, CancellationToken.None);
        await BothRefuseAsync(before);

        var after = await SignedInAsync("dave");
        Assert.Equal(200, await setup.World.Idp.PostLogoutTokenAsync(Webhook, token, CancellationToken.None));

        Assert.Equal(HttpStatusCode.OK, (await after.CallAsync(gateway: 0)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await after.CallAsync(gateway: 1)).StatusCode);
    }

    // The IdP ends the session while the browser is on its way back with the code: the logout overtakes the login, and the
    // session that would begin a moment later must not live.
    [StoreFact]
    public async Task A_logout_that_overtakes_its_own_login_wins()
    {
        setup.World.Idp.SignInAs(new StubUser("erin"));
        var browser = setup.World.NewBrowser();
        var toCallback = await browser.FollowAsync(await browser.VerifyAsync());
        await setup.World.Idp.SendLogoutTokenAsync(Webhook, "erin", null, CancellationToken.None);

        await browser.FollowAsync(toCallback);

        Assert.Null(browser.SessionCookie);
    }

    [StoreFact]
    public async Task A_copied_cookie_is_worth_nothing_after_the_person_signed_out_here()
    {
        var browser = await SignedInAsync("frank");
        var copy = setup.World.NewBrowser();
        copy.SetCookie("eventauth", browser.SessionCookie!);
        Assert.Equal(HttpStatusCode.OK, (await copy.CallAsync(gateway: 1)).StatusCode);

        var page = await (await browser.GetAsync("/auth/logout")).Content.ReadAsStringAsync();
        var token = System.Text.RegularExpressions.Regex.Match(page, "name=\"?(\\w+)\"? value=\"?([\\w-]+)").Groups;
        var answer = await browser.OwnAsync(HttpMethod.Post, "/auth/logout", new FormUrlEncodedContent([new(token[1].Value, token[2].Value)]));

        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.Null(browser.SessionCookie);
        await BothRefuseAsync(copy);
    }

    // Whoever must not race (shares a document, pages the on-call) asks who has heard of it, and waits.
    [StoreFact]
    public async Task An_operator_ends_all_sessions_of_somebody_and_learns_when_every_gateway_has_heard()
    {
        var (operators, person) = (await SignedInAsync("root", "admins"), await SignedInAsync("grace"));
        var key = new Subject(setup.World.Idp.Issuer, "grace").Key;

        var answer = await operators.OwnAsync(HttpMethod.Post, $"/api/subjects/{key}/revoke", JsonContent.Create(new { reason = "stolen laptop" }));
        var position = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("position").GetInt64();
        using var progress = JsonDocument.Parse(
            await (await operators.GetAsync($"/revocations/{position}?wait=all")).Content.ReadAsStringAsync());

        Assert.Equal("all", progress.RootElement.GetProperty("applied").GetString());
        Assert.Equal(["gateway-1", "gateway-2"], progress.RootElement.GetProperty("replicas").EnumerateArray().Select(r => r.GetProperty("instance").GetString()));
        Assert.Equal(HttpStatusCode.Unauthorized, (await person.CallAsync(gateway: 0)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await person.CallAsync(gateway: 1)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await (await SignedInAsync("mallory")).GetAsync($"/revocations/{position}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await operators.GetAsync("/revocations/999999")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await operators.GetAsync("/revocations/x")).StatusCode);
    }

    private async Task<Browser> SignedInAsync(string sub, params string[] groups)
    {
        setup.World.Idp.SignInAs(new StubUser(sub) { Groups = groups });
        var browser = setup.World.NewBrowser();
        await browser.OpenAsync();
        foreach (var gateway in new[] { 0, 1 })
        {
            Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: gateway)).StatusCode);
        }

        return browser;
    }

    private static Task BothRefuseAsync(Browser browser) => Until.TrueAsync("both gateways refuse", async () =>
        (await browser.CallAsync(gateway: 0)).StatusCode == HttpStatusCode.Unauthorized
        && (await browser.CallAsync(gateway: 1)).StatusCode == HttpStatusCode.Unauthorized);
}
