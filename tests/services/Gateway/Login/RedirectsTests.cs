using System.Net;
using EventAuth.Services.Tests.Conformance;
using EventAuth.Services.Tests.Harness;
using Microsoft.AspNetCore.WebUtilities;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>Where a login leads, and what has no influence on it.</summary>
public sealed class RedirectsTests(RedirectsTests.Fixture fixture) : IClassFixture<RedirectsTests.Fixture>
{
    private World World => fixture.World;

    // The code goes where the redirect URI says: whoever could choose it by a header would get the code.
    [StoreTheory]
    [InlineData("Host", "evil.test")]
    [InlineData("X-Forwarded-Host", "evil.test")]
    [InlineData("X-Forwarded-Proto", "https")]
    [InlineData("X-Forwarded-Prefix", "/evil")]
    [InlineData("X-Forwarded-Port", "444")]
    [InlineData("Forwarded", "host=evil.test;proto=https")]
    [InlineData("X-Original-URL", "https://evil.test/")]
    public async Task The_redirect_URI_is_that_of_the_settings_whatever_headers_say(string header, string value)
    {
        var answer = await World.NewBrowser().GetAsync("/auth/login?rd=/x", change: r =>
        {
            r.Headers.Remove(header);
            r.Headers.TryAddWithoutValidation(header, value);
        });
        Assert.Equal($"{World.PublicUrl}/auth/callback", QueryHelpers.ParseQuery(answer.Headers.Location!.Query)["redirect_uri"]);
    }

    [StoreFact]
    public async Task A_host_that_no_rule_speaks_of_begins_no_login()
    {
        const string Count = "select count(*) from eventauth.login_attempt";
        var before = (await fixture.Store.QueryAsync(Count))[0][0];
        var answer = await World.NewBrowser().VerifyAsync("/x", change: r =>
        {
            r.Headers.Remove("X-Forwarded-Host");
            r.Headers.Add("X-Forwarded-Host", "evil.test");
        });
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal(before, (await fixture.Store.QueryAsync(Count))[0][0]);
    }

    // 307 and 308 send a form again, with its credentials, to wherever they point (RFC 9700, 4.12).
    [StoreFact]
    public async Task Every_redirect_makes_a_GET_of_what_came()
    {
        World.Idp.SignInAs(ConformanceFixture.Alice);
        var browser = World.NewBrowser();
        var start = await browser.VerifyAsync("/x");
        var callback = await browser.FollowAsync(await browser.FollowAsync(start));
        var landing = await browser.GetAsync("/auth/login?rd=/x");
        using var login = new FormUrlEncodedContent([new("rd", "/x")]);
        var again = await browser.OwnAsync(HttpMethod.Post, "/auth/login", login);
        var form = await (await browser.GetAsync("/auth/logout")).Content.ReadAsStringAsync();
        using var logout = new FormUrlEncodedContent([new("token", form.Split("name=\"token\" value=\"")[1].Split('"')[0])]);
        var signedOut = await browser.OwnAsync(HttpMethod.Post, "/auth/logout", logout);

        Assert.Equal(
            [HttpStatusCode.Found, HttpStatusCode.Found, HttpStatusCode.Found, HttpStatusCode.SeeOther, HttpStatusCode.SeeOther],
            new[] { start, callback, landing, again, signedOut }.Select(a => a.StatusCode));
        Assert.All(new[] { start, callback, landing, again }, a => Assert.True(a.Headers.CacheControl?.NoStore));
    }

    // Header injection through the address that somebody wanted: proxies hand it on decoded or not.
    [StoreTheory]
    [InlineData("/x%0d%0aSet-Cookie:%20injected=1")]
    [InlineData("/x\r\nSet-Cookie: injected=1")]
    [InlineData("/x\u0000y")]
    public async Task Line_breaks_in_an_address_never_reach_a_header(string rd)
    {
        var browser = World.NewBrowser();
        World.Idp.SignInAs(ConformanceFixture.Alice);
        var start = await browser.GetAsync("/auth/login?rd=" + Uri.EscapeDataString(rd));
        var back = await browser.FollowAsync(await browser.FollowAsync(start));
        Assert.DoesNotContain(back.Headers.GetValues("Set-Cookie"), c => c.StartsWith("injected", StringComparison.Ordinal));
        Assert.DoesNotContain(back.Headers.Location!.OriginalString, c => c is '\r' or '\n' or '\0');
    }

    public sealed class Fixture : ConformanceFixture;
}
