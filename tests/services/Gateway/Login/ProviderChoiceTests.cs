using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Conformance;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>Several IdPs: whoever begins the login at which (OpenID Connect Core 4, and by host).</summary>
public sealed class ProviderChoiceTests(ProviderChoiceTests.Fixture fixture) : IClassFixture<ProviderChoiceTests.Fixture>
{
    private World World => fixture.World;

    private string Second => fixture.Second!.Issuer;

    // oidcc-client-test-3rd-party-init-login
    [StoreFact]
    public async Task A_link_that_names_an_IdP_begins_the_login_there_and_ends_at_its_target()
    {
        var browser = World.NewBrowser();
        var start = await browser.GetAsync(
            $"/auth/login?iss={Uri.EscapeDataString(Second)}&login_hint=alice&target_link_uri={Uri.EscapeDataString(World.PublicUrl + "/deep?x=1")}");
        Assert.StartsWith(Second + "/authorize?", start.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("login_hint", start.Headers.Location!.Query, StringComparison.Ordinal);

        var back = await browser.FollowAsync(await browser.FollowAsync(start));
        Assert.Equal($"{World.PublicUrl}/deep?x=1", back.Headers.Location!.ToString());
        Assert.Equal("of-second", (await browser.VerifyAsync("/x")).Headers.GetValues(IdentityHeaders.User).Single());
    }

    // OpenID Connect Core 4 wants POST too: it goes on as a GET, so that the browser's cookies come along.
    [StoreFact]
    public async Task A_form_does_the_same()
    {
        var browser = World.NewBrowser();
        using var form = new FormUrlEncodedContent([new("iss", Second), new("target_link_uri", World.PublicUrl + "/deep")]);
        var first = await browser.OwnAsync(HttpMethod.Post, "/auth/login", form);
        Assert.Equal(HttpStatusCode.SeeOther, first.StatusCode);
        Assert.False(first.Headers.Contains("Set-Cookie"));
        var start = await browser.FollowAsync(first);
        Assert.StartsWith(Second + "/authorize?", start.Headers.Location!.ToString(), StringComparison.Ordinal);
    }

    // Mix-up: a link leads people to an IdP of the attacker's, or to two of which each reader picks another.
    [StoreTheory]
    [InlineData("iss=https%3A%2F%2Fevil.test")]
    [InlineData("iss=")]
    [InlineData("iss=SECOND%2F")]
    [InlineData("iss=SECOND&iss=SECOND")]
    public async Task An_IdP_that_is_not_configured_is_refused(string query)
    {
        var answer = await World.NewBrowser().GetAsync(
            "/auth/login?" + query.Replace("SECOND", Uri.EscapeDataString(Second), StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
        Assert.Contains("login-issuer", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    // An open redirector under our name, by the other name of the parameter.
    [StoreTheory]
    [InlineData("https://evil.test/")]
    [InlineData("//evil.test/")]
    [InlineData("/\\evil.test")]
    [InlineData("javascript:alert(1)")]
    public async Task A_target_elsewhere_becomes_the_landing_page(string target)
    {
        var browser = World.NewBrowser();
        var start = await browser.GetAsync($"/auth/login?iss={Uri.EscapeDataString(Second)}&target_link_uri={Uri.EscapeDataString(target)}");
        var back = await browser.FollowAsync(await browser.FollowAsync(start));
        Assert.Equal($"{World.PublicUrl}/", back.Headers.Location!.ToString());
    }

    // Any page of the web can make a browser open the link: it must not make another person of somebody.
    [StoreFact]
    public async Task Whoever_is_signed_in_stays_who_they_are()
    {
        var browser = await World.SignInAsync(ConformanceFixture.Alice);
        var before = browser.SessionCookie;
        var answer = await browser.GetAsync($"/auth/login?iss={Uri.EscapeDataString(Second)}&target_link_uri=/y");
        Assert.Equal($"{World.PublicUrl}/y", answer.Headers.Location!.ToString());
        Assert.Equal(before, browser.SessionCookie);
    }

    [StoreFact]
    public async Task A_host_has_its_IdP_and_every_other_one_the_first()
    {
        Assert.StartsWith(Second + "/authorize?", (await AtAsync("partner.localhost")).Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.StartsWith(Second + "/authorize?", (await AtAsync("a.partners.localhost")).Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.StartsWith(World.Idp.Issuer + "/authorize?", (await AtAsync("partners.localhost")).Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.StartsWith(World.Idp.Issuer + "/authorize?", (await AtAsync("notpartner.localhost")).Headers.Location!.ToString(), StringComparison.Ordinal);
    }

    // Two IdPs, each with its own "alice": nobody's rights, sessions or sign-outs are the other one's.
    [StoreFact]
    public async Task The_same_sub_at_two_IdPs_is_two_people()
    {
        fixture.Second!.SignInAs(new StubUser("alice", "alice@example.test"));
        var first = await World.SignInAsync(ConformanceFixture.Alice);
        var second = World.NewBrowser();
        await second.FollowAsync(await second.FollowAsync(await second.GetAsync($"/auth/login?iss={Uri.EscapeDataString(Second)}")));
        fixture.Second.SignInAs(new StubUser("of-second"));

        var keys = await fixture.Store.QueryAsync("select distinct issuer, subject_key from eventauth.session where sub = 'alice' and ended_at is null");
        Assert.Equal(keys.Count, keys.Select(k => k[1]).Distinct().Count());
        Assert.Equal(2, keys.Select(k => k[0]).Distinct().Count());

        await World.Idp.SendLogoutTokenAsync(new Uri(World.Logout.Public, "/backchannel-logout"), "alice", sid: null, CancellationToken.None);
        await Until.TrueAsync("the first is out", async () => (await first.CallAsync("/x")).StatusCode == HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, (await second.CallAsync("/x")).StatusCode);
    }

    // An address that was given to somebody new, and one that reads as ours from the right (CVE-2026-40574).
    [StoreFact]
    public async Task A_person_is_issuer_and_sub_never_an_address()
    {
        await World.SignInAsync(new StubUser("old", "shared@corp.test"));
        var heir = await World.SignInAsync(new StubUser("new", "shared@corp.test"));
        Assert.Equal("new", (await heir.VerifyAsync("/x")).Headers.GetValues(IdentityHeaders.User).Single());
        Assert.Equal("2", (await fixture.Store.QueryAsync("select count(distinct subject_key) from eventauth.session where sub in ('old', 'new')"))[0][0]);

        Assert.Equal(HttpStatusCode.OK, (await heir.CallAsync("/corp")).StatusCode);
        var mallory = await World.SignInAsync(new StubUser("mallory", "a@evil.test@corp.test"));
        Assert.Equal(HttpStatusCode.Forbidden, (await mallory.CallAsync("/corp")).StatusCode);
        var unverified = await World.SignInAsync(new StubUser("eve", "eve@corp.test") { EmailVerified = false });
        Assert.Equal(HttpStatusCode.Forbidden, (await unverified.CallAsync("/corp")).StatusCode);
    }

    private async Task<HttpResponseMessage> AtAsync(string host)
    {
        var browser = World.NewBrowser();
        return await browser.FollowAsync(await browser.VerifyAsync("/x", change: r =>
        {
            r.Headers.Remove("X-Forwarded-Host");
            r.Headers.Add("X-Forwarded-Host", host);
        }));
    }

    public sealed class Fixture : WorldFixture, IAsyncLifetime
    {
        internal StubProvider? Second { get; private set; }

        internal override async Task<World> StartAsync(TestStore store)
        {
            Second = await StubProvider.StartAsync(new StubOptions { ClientId = "second-client" });
            Second.SignInAs(new StubUser("of-second"));
            var world = await World.StartAsync(store, settings: new Dictionary<string, string>
            {
                ["providers.1.issuer"] = Second.Issuer,
                ["providers.1.clientId"] = "second-client",
                ["providers.1.clientSecret"] = "stub-secret",
                ["providers.1.hosts"] = "partner.localhost,*.partners.localhost",
                ["rules.4.host"] = "localhost",
                ["rules.4.path"] = "/corp",
                ["rules.4.emailDomains"] = "corp.test",
                ["rules.4.access"] = "",
                ["rules.5.host"] = "localhost",
                ["rules.5.access"] = "authenticated",
                ["rules.6.host"] = "*.localhost",
                ["rules.6.access"] = "authenticated",
                ["rules.7.host"] = "*.partners.localhost",
                ["rules.7.access"] = "authenticated",
            });
            world.Idp.SignInAs(ConformanceFixture.Alice);
            return world;
        }

        async Task IAsyncLifetime.DisposeAsync()
        {
            await DisposeAsync();
            await (Second?.DisposeAsync() ?? default);
        }
    }
}
