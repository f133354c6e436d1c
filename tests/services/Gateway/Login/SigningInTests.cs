using System.Net;
using System.Text.RegularExpressions;
using EventAuth.Adapters.Postgres;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Gateway.Login;

public sealed partial class SigningInTests : IClassFixture<SigningInTests.Fixture>
{
    private static readonly StubUser Alice = new("alice", "alice@example.test", "Alice") { Groups = ["staff"] };

    private readonly World _world;

    public SigningInTests(Fixture fixture)
    {
        _world = fixture.World;
        _world.Idp.SignInAs(Alice);
    }

    [StoreFact]
    public async Task Somebody_without_a_session_comes_back_signed_in_to_the_page_they_wanted()
    {
        var browser = _world.NewBrowser();
        var answer = await browser.OpenAsync("/reports?year=2026");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("alice", answer.Headers.GetValues(IdentityHeaders.User).Single());
        Assert.Equal("staff", answer.Headers.GetValues(IdentityHeaders.Groups).Single());
        Assert.Equal(43, browser.SessionCookie!.Length);
    }

    [StoreFact]
    public async Task The_authorization_request_has_state_nonce_and_a_proof_key_and_the_one_redirect_uri()
    {
        // L5: an attacker who controls the Host header must not move the code elsewhere.
        var answer = await _world.NewBrowser().GetAsync("/auth/login?rd=/x", change: r => r.Headers.Host = "evil.test");
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(answer.Headers.Location!.Query);
        Assert.Equal($"{World.PublicUrl}/auth/callback", query["redirect_uri"]);
        Assert.Equal(43, query["state"].ToString().Length);
        Assert.Equal(43, query["nonce"].ToString().Length);
        Assert.Equal(43, query["code_challenge"].ToString().Length);
        Assert.Equal("S256", query["code_challenge_method"]);
    }

    [StoreFact]
    public async Task Five_tabs_that_sign_in_at_once_all_arrive()
    {
        var browser = _world.NewBrowser();
        var starts = new List<HttpResponseMessage>();
        for (var tab = 0; tab < 5; tab++)
        {
            starts.Add(await browser.VerifyAsync($"/tab{tab}"));
        }

        for (var tab = 0; tab < 5; tab++)
        {
            var callback = await browser.FollowAsync(starts[tab]);
            var back = await browser.FollowAsync(callback);
            Assert.Equal($"{World.PublicUrl}/tab{tab}", back.Headers.Location!.ToString());
        }
    }

    [StoreFact]
    public async Task A_callback_that_is_loaded_again_leads_to_the_landing_page_and_asks_for_no_second_token()
    {
        var browser = _world.NewBrowser();
        var callback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
        await browser.FollowAsync(callback);
        var before = _world.Idp.Log.Grants("authorization_code");
        var again = await browser.FollowAsync(callback);
        Assert.Equal($"{World.PublicUrl}/", again.Headers.Location!.ToString());
        Assert.Equal(before, _world.Idp.Log.Grants("authorization_code"));
    }

    [StoreFact]
    public async Task A_callback_of_another_browser_is_not_followed()
    {
        // Login CSRF: the attacker signs in as himself and lets the victim's browser finish it, so that what the victim
        // enters afterwards is the attacker's to read. The state is genuine; only the browser is another.
        var attacker = _world.NewBrowser();
        var callback = await attacker.FollowAsync(await attacker.VerifyAsync("/x"));
        var tokens = _world.Idp.Log.Grants("authorization_code");

        var victim = _world.NewBrowser();
        var answer = await victim.FollowAsync(callback);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Null(victim.SessionCookie);
        Assert.Equal(tokens, _world.Idp.Log.Grants("authorization_code"));
    }

    [StoreTheory]
    [InlineData("", "no state")]
    [InlineData("?state=&code=c", "an empty state")]
    [InlineData("?state=a&state=b&code=c", "two states")]
    public async Task A_callback_without_exactly_one_state_is_refused(string query, string because)
    {
        var answer = await _world.NewBrowser().GetAsync("/auth/callback" + query);
        Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, because);
        Assert.True((await answer.Content.ReadAsByteArrayAsync()).Length < 2048);
    }

    [StoreFact]
    public async Task An_unknown_state_begins_a_new_sign_in_but_not_for_ever()
    {
        var browser = _world.NewBrowser();
        for (var round = 1; round <= 4; round++)
        {
            var answer = await browser.GetAsync("/auth/callback?state=unknown&code=c");
            Assert.StartsWith(_world.Idp.Issuer, answer.Headers.Location!.ToString(), StringComparison.Ordinal);
        }

        var last = await browser.GetAsync("/auth/callback?state=unknown&code=c");
        Assert.Equal(HttpStatusCode.BadRequest, last.StatusCode);
        Assert.Contains("cookies are blocked", await last.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task A_browser_whose_session_cookie_never_arrives_is_stopped_after_some_rounds()
    {
        var browser = _world.NewBrowser();
        for (var round = 1; round <= 5; round++)
        {
            await browser.OpenAsync("/x");
            browser.SetCookie("eventauth", "lost");
        }

        Assert.Equal(HttpStatusCode.BadRequest, (await browser.VerifyAsync("/x")).StatusCode);
    }

    [StoreFact]
    public async Task What_the_idp_says_in_an_error_is_shown_but_not_run()
    {
        var browser = _world.NewBrowser();
        var start = await browser.VerifyAsync("/x");
        var state = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(start.Headers.Location!.Query)["state"];
        var answer = await browser.GetAsync(
            $"/auth/callback?state={state}&iss={Uri.EscapeDataString(_world.Idp.Issuer)}&error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E");
        var page = await answer.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;", page, StringComparison.Ordinal);
        Assert.True(page.Length < 2048, $"{page.Length}");
        Assert.Null(browser.SessionCookie);

        // The incident on the page is the name of the record.
        var incident = IncidentOf().Match(page).Groups[1].Value;
        var database = _world.Gateways[0].Services.GetRequiredService<Database>();
        await using var recorded = database.Command(
            "select data ->> 'reason' from {events}.mt_events where stream_id = $1 and type = 'login_refused'", $"login-{incident}");
        Assert.Equal("provider access_denied", await recorded.ExecuteScalarAsync());
    }

    [StoreFact]
    public async Task An_issuer_in_the_answer_that_is_not_the_one_asked_is_refused()
    {
        // Mix-up (RFC 9207): a second, hostile IdP gets hold of the code of the first.
        var browser = _world.NewBrowser();
        var start = await browser.VerifyAsync("/x");
        var state = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(start.Headers.Location!.Query)["state"];
        var tokens = _world.Idp.Log.Grants("authorization_code");
        var answer = await browser.GetAsync($"/auth/callback?state={state}&iss=https%3A%2F%2Fevil.test&code=c");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(tokens, _world.Idp.Log.Grants("authorization_code"));
    }

    [StoreFact]
    public async Task While_the_idp_does_not_answer_the_browser_is_told_when_to_try_again()
    {
        var browser = _world.NewBrowser();
        var start = await browser.VerifyAsync("/x");
        _world.Idp.Script(StubEndpoint.Token, StubAnswer.Empty(503));
        var callback = await browser.FollowAsync(start);
        var answer = await browser.FollowAsync(callback);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Null(browser.SessionCookie);
    }

    [StoreFact]
    public async Task Userinfo_about_somebody_else_ends_the_sign_in()
    {
        var browser = _world.NewBrowser();
        _world.Idp.Script(StubEndpoint.UserInfo, StubAnswer.Json(200, new { sub = "mallory" }));
        var answer = await browser.OpenAsync("/x");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Null(browser.SessionCookie);
    }

    [StoreFact]
    public async Task Userinfo_that_is_away_does_not_end_the_sign_in()
    {
        var browser = _world.NewBrowser();
        _world.Idp.Script(StubEndpoint.UserInfo, StubAnswer.Empty(503));
        Assert.Equal(HttpStatusCode.OK, (await browser.OpenAsync("/x")).StatusCode);
    }

    [StoreFact]
    public async Task Signing_in_again_ends_the_session_before()
    {
        // S7: whoever signs in at a browser where somebody else was signed in must not leave that session alive.
        var browser = _world.NewBrowser();
        var second = await browser.VerifyAsync("/x");
        await browser.OpenAsync("/x");
        var first = browser.SessionCookie!;
        _world.Idp.SignInAs(new StubUser("bob"));
        await browser.FollowAsync(await browser.FollowAsync(second));
        Assert.NotEqual(first, browser.SessionCookie);

        var old = _world.NewBrowser();
        old.SetCookie("eventauth", first);
        await Until.TrueAsync("the old session is dead", async () => (await old.CallAsync("/x")).StatusCode == HttpStatusCode.Unauthorized);
    }

    [StoreTheory]
    [InlineData("https://evil.test/")]
    [InlineData("//evil.test/")]
    [InlineData("/%5cevil.test")]
    [InlineData("javascript:alert(1)")]
    public async Task Nobody_is_sent_to_a_stranger_after_signing_in(string rd)
    {
        var browser = _world.NewBrowser();
        var callback = await browser.FollowAsync(await browser.GetAsync("/auth/login?rd=" + Uri.EscapeDataString(rd)));
        var back = await browser.FollowAsync(callback);
        Assert.Equal($"{World.PublicUrl}/", back.Headers.Location!.ToString());
    }

    [StoreFact]
    public async Task Whoever_is_signed_in_goes_straight_to_the_page()
    {
        var browser = _world.NewBrowser();
        await browser.OpenAsync("/x");
        var answer = await browser.GetAsync("/auth/login?rd=/y");
        Assert.Equal($"{World.PublicUrl}/y", answer.Headers.Location!.ToString());
    }

    [StoreFact]
    public async Task A_sign_out_that_overtakes_a_sign_in_wins_and_the_person_signs_in_anew()
    {
        var browser = _world.NewBrowser();
        var callback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
        var revocations = _world.Gateways[0].Services.GetRequiredService<EventAuth.Adapters.Refresh.Revocations>();
        await revocations.RevokeSubjectAsync(new Subject(_world.Idp.Issuer, "alice"),
            new(EndReason.EndedByOperator, "operator", "test", null, null), CancellationToken.None);

        var answer = await browser.FollowAsync(callback);
        Assert.Null(browser.SessionCookie);
        Assert.StartsWith(_world.Idp.Issuer, answer.Headers.Location!.ToString(), StringComparison.Ordinal);
        var back = await browser.FollowAsync(await browser.FollowAsync(answer));
        Assert.Equal($"{World.PublicUrl}/x", back.Headers.Location!.ToString());
        Assert.NotNull(browser.SessionCookie);
    }

    [StoreFact]
    public async Task An_address_that_a_later_sign_in_does_not_bring_is_gone()
    {
        _world.Idp.SignInAs(new StubUser("carol", "carol@example.test"));
        Assert.True((await _world.NewBrowser().OpenAsync("/x")).Headers.Contains(IdentityHeaders.UserEmail));
        _world.Idp.SignInAs(new StubUser("carol", "carol@example.test") { EmailVerified = null });
        Assert.Equal("", EmailOf(await _world.NewBrowser().OpenAsync("/x")));
        _world.Idp.SignInAs(new StubUser("carol"));
        Assert.Equal("", EmailOf(await _world.NewBrowser().OpenAsync("/x")));
    }

    [StoreFact]
    public async Task What_the_store_can_t_hold_keeps_nobody_out_and_lets_nobody_in()
    {
        _world.Idp.SignInAs(new StubUser("nul", "n\0ul@example.test", "N\0ul") { Groups = ["ad\0mins", "staff"], Roles = ["\0"] });
        var answer = await _world.NewBrowser().OpenAsync("/x");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("staff", answer.Headers.GetValues(IdentityHeaders.Groups).Single());

        var browser = _world.NewBrowser();
        _world.Idp.SignInAs(new StubUser("n\0"));
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.OpenAsync("/x")).StatusCode);
    }

    private static string EmailOf(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues(IdentityHeaders.UserEmail, out var values) ? values.Single() : "";

    [StoreFact]
    public async Task A_program_gets_its_error_as_json()
    {
        var answer = await _world.NewBrowser().GetAsync("/auth/callback", change: r => r.Headers.Add("Accept", "application/json"));
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains("\"code\":\"login-state\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store);
    }

    [GeneratedRegex("incident ([0-9a-f]{10})")]
    private static partial Regex IncidentOf();
}
