using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Flows;

/// <summary>From the first request to the application's headers, over two gateways.</summary>
public sealed class SigningInTests(SigningInTests.Setup setup) : IClassFixture<SigningInTests.Setup>
{
    private static readonly StubUser Alice = new("alice", "alice@example.test", "Alice Ärmel") { Groups = ["admins", "a,b"], Roles = ["admin"] };

    public sealed class Setup : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, gateways: 2);
    }

    [StoreFact]
    public async Task A_person_signs_in_once_and_both_gateways_tell_the_application_who_it_is()
    {
        setup.World.Idp.SignInAs(Alice);
        var browser = setup.World.NewBrowser();

        var first = await browser.OpenAsync("/page?x=1");
        var second = await browser.VerifyAsync("/page", gateway: 1);

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Equal("alice", Header(second, IdentityHeaders.User));
        Assert.Equal("alice@example.test", Header(second, IdentityHeaders.UserEmail));
        Assert.Equal("Alice%20%C3%84rmel", Header(second, IdentityHeaders.UserName));
        Assert.Equal("admins,a%2Cb", Header(second, IdentityHeaders.Groups));
        Assert.Equal("admin", Header(second, IdentityHeaders.Roles));
        Assert.All(IdentityHeaders.All, h => Assert.True(second.Headers.Contains(h), $"{h} is missing"));
        Assert.True(second.Headers.CacheControl?.NoStore);
    }

    [StoreFact]
    public async Task The_browser_comes_back_to_the_page_it_wanted()
    {
        setup.World.Idp.SignInAs(Alice);
        var browser = setup.World.NewBrowser();

        var answer = await browser.VerifyAsync("/deep/page?x=1&y=a%20b");
        Uri? landing = null;
        while (answer.StatusCode == HttpStatusCode.Found && browser.SessionCookie is null)
        {
            answer = await browser.FollowAsync(answer);
            landing = answer.Headers.Location;
        }

        Assert.Equal("http://localhost:8080/deep/page?x=1&y=a%20b", landing?.OriginalString);
    }

    [StoreFact]
    public async Task Without_a_session_a_page_is_sent_to_the_IdP_and_a_program_gets_401_with_the_login_address()
    {
        var browser = setup.World.NewBrowser();

        var page = await browser.VerifyAsync();
        var call = await browser.CallAsync();

        Assert.Equal(HttpStatusCode.Found, page.StatusCode);
        Assert.StartsWith(setup.World.Idp.Issuer, page.Headers.Location?.ToString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, call.StatusCode);
        Assert.Contains("http://localhost:8080/auth/login", await call.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains("Bearer", call.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task A_cookie_that_nobody_issued_is_no_session()
    {
        var browser = setup.World.NewBrowser();
        browser.SetCookie("eventauth", new string('A', 43));

        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);
    }

    // A neighbour on the parent domain sets a second cookie of our name: whichever we picked might be theirs.
    [StoreFact]
    public async Task Two_session_cookies_are_no_session()
    {
        setup.World.Idp.SignInAs(Alice);
        var browser = setup.World.NewBrowser();
        await browser.OpenAsync();

        var answer = await browser.VerifyAsync(change: r =>
        {
            r.Headers.Add("Cookie", $"eventauth={browser.SessionCookie}; eventauth={new string('A', 43)}");
            r.Headers.Add("Sec-Fetch-Mode", "cors");
        });

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [StoreFact]
    public async Task Somebody_who_is_signed_in_but_not_in_the_group_gets_403_with_the_reason()
    {
        setup.World.Idp.SignInAs(new StubUser("bob") { Groups = ["staff"] });
        var browser = setup.World.NewBrowser();
        await browser.OpenAsync();

        var answer = await browser.CallAsync("/admin/x");

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains("not-allowed", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task A_public_path_needs_nobody_and_clears_every_identity_header()
    {
        var answer = await setup.World.NewBrowser().VerifyAsync("/public/logo.png");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.All(IdentityHeaders.All, h => Assert.Equal("", Header(answer, h)));
    }

    [StoreFact]
    public async Task A_host_that_no_rule_speaks_of_is_closed_and_begins_no_login()
    {
        var answer = await setup.World.NewBrowser().VerifyAsync(change: r =>
        {
            r.Headers.Remove("X-Forwarded-Host");
            r.Headers.Add("X-Forwarded-Host", "evil.example");
        });

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    // CVE-2025-64484, CVE-2026-88011: applications that read CGI variables cannot tell X_Forwarded_User and
    // X.Forwarded.User from the real header, and no proxy removes them.
    [StoreTheory]
    [InlineData("X_Forwarded_User")]
    [InlineData("X.Forwarded.User")]
    [InlineData("X-Forwarded_Uri")]
    [InlineData("X_Auth_Request_Email")]
    public async Task A_look_alike_of_a_header_of_ours_is_refused(string name)
    {
        setup.World.Idp.SignInAs(Alice);
        var browser = setup.World.NewBrowser();
        await browser.OpenAsync();

        var answer = await browser.VerifyAsync(change: r => r.Headers.TryAddWithoutValidation(name, "admin"));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [StoreTheory]
    [InlineData("X-Forwarded-Uri")]
    [InlineData("X-Forwarded-Host")]
    [InlineData("X-Forwarded-Proto")]
    [InlineData("X-Forwarded-Method")]
    public async Task A_header_of_the_proxy_that_is_missing_or_doubled_is_refused(string name)
    {
        setup.World.Idp.SignInAs(Alice);
        var browser = setup.World.NewBrowser();
        await browser.OpenAsync();

        var missing = await browser.VerifyAsync(change: r => r.Headers.Remove(name));
        var doubled = await browser.VerifyAsync(change: r => r.Headers.Add(name, r.Headers.GetValues(name).First()));

        Assert.Equal(HttpStatusCode.BadRequest, missing.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, doubled.StatusCode);
    }

    // Any 2xx lets a request pass: whatever else the gateway answers on its public listener must not be one.
    [StoreTheory]
    [InlineData("GET", "/")]
    [InlineData("GET", "/verify/")]
    [InlineData("GET", "/VERIFY")]
    [InlineData("OPTIONS", "/verify")]
    [InlineData("HEAD", "/verify")]
    [InlineData("POST", "/verify")]
    [InlineData("GET", "/healthz")]
    [InlineData("GET", "/metrics")]
    [InlineData("GET", "/status")]
    [InlineData("GET", "/api/sessions")]
    [InlineData("GET", "/api/audit/events")]
    [InlineData("TRACE", "/verify")]
    public async Task Nothing_is_2xx_without_credentials(string method, string path)
    {
        var answer = await setup.World.NewBrowser().OwnAsync(new HttpMethod(method), path);

        Assert.False(answer.IsSuccessStatusCode, $"{method} {path}: {answer.StatusCode}");
    }

    private static string Header(HttpResponseMessage answer, string name) => answer.Headers.GetValues(name).Single();
}
