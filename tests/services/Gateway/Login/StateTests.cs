using System.Net;
using EventAuth.Gateway.Login;
using EventAuth.Services.Tests.Conformance;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.AspNetCore.WebUtilities;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>A state is used once, in time, and by the browser that began the login.</summary>
public sealed class StateTests(StateTests.Fixture fixture) : IClassFixture<StateTests.Fixture>
{
    private World World => fixture.World;

    // Whoever can predict a state, a nonce or a verifier can finish a login that somebody else began (CVE-2022-31034).
    [Fact]
    public void Ten_thousand_secrets_are_all_different_and_have_256_bits()
    {
        var secrets = Enumerable.Range(0, 10_000).Select(_ => PendingLogins.NewSecret()).ToList();
        Assert.Equal(10_000, secrets.Distinct(StringComparer.Ordinal).Count());
        Assert.All(secrets, s => Assert.Equal(32, WebEncoders.Base64UrlDecode(s).Length));

        // Each character of the first 42 takes on each of its 64 values.
        Assert.All(Enumerable.Range(0, 42), i => Assert.Equal(64, secrets.Select(s => s[i]).Distinct().Count()));
    }

    // An old address bar, a bookmark, or a state that was stolen and kept.
    [StoreFact]
    public async Task After_ten_minutes_it_is_worth_nothing()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        await using var world = await World.StartAsync(fixture.Store, clock: clock);
        world.Idp.SignInAs(ConformanceFixture.Alice);
        var trial = await SignInTrial.RunAsync(world, fixture.Store, async browser =>
        {
            var callback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
            clock.Advance(TimeSpan.FromMinutes(10) + TimeSpan.FromSeconds(1));
            return await browser.FollowAsync(callback);
        });

        // A page that says so; or a login from the start, when the old one has been swept away already.
        Assert.Equal(0, trial.TokenRequests);
        Assert.Null(trial.Browser.SessionCookie);
        Assert.True(trial.Answer.StatusCode == HttpStatusCode.BadRequest
            || trial.Answer.Headers.Location!.ToString().StartsWith(world.Idp.Issuer + "/authorize?", StringComparison.Ordinal));
    }

    [StoreFact]
    public async Task Just_before_ten_minutes_it_still_works()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        await using var world = await World.StartAsync(fixture.Store, idp: new StubOptions { Clock = clock }, clock: clock);
        world.Idp.SignInAs(ConformanceFixture.Alice);
        var browser = world.NewBrowser();
        var start = await browser.VerifyAsync("/x");
        clock.Advance(TimeSpan.FromMinutes(9) + TimeSpan.FromSeconds(59));
        await browser.FollowAsync(await browser.FollowAsync(start));
        Assert.NotNull(browser.SessionCookie);
    }

    // A second code under a state that was used: a code of the attacker's, injected after the victim's own login.
    [StoreFact]
    public async Task A_used_one_brings_no_second_code_in()
    {
        World.Idp.SignInAs(ConformanceFixture.Alice);
        var browser = World.NewBrowser();
        var callback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
        await browser.FollowAsync(callback);
        var (session, tokens) = (browser.SessionCookie, World.Idp.Log.Grants("authorization_code"));
        var state = QueryHelpers.ParseQuery(callback.Headers.Location!.Query)["state"];

        World.Idp.SignInAs(new StubUser("mallory"));
        var foreign = World.NewBrowser();
        var stolen = await foreign.FollowAsync(await foreign.VerifyAsync("/x"));
        var code = QueryHelpers.ParseQuery(stolen.Headers.Location!.Query)["code"];
        var answer = await browser.GetAsync($"/auth/callback?state={state}&code={code}&iss={Uri.EscapeDataString(World.Idp.Issuer)}");

        Assert.Equal($"{World.PublicUrl}/", answer.Headers.Location!.ToString());
        Assert.Equal(session, browser.SessionCookie);
        Assert.Equal(tokens, World.Idp.Log.Grants("authorization_code"));
    }

    // A double click, a prefetch, a proxy that tries again.
    [StoreFact]
    public async Task Ten_callbacks_at_once_spend_the_code_once()
    {
        World.Idp.SignInAs(ConformanceFixture.Alice);
        var browser = World.NewBrowser();
        var callback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
        var binding = browser.Cookie("eventauth-login");
        var tokens = World.Idp.Log.Grants("authorization_code");

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => World.NewBrowser().GetAsync(
            callback.Headers.Location!.PathAndQuery, change: r => r.Headers.Add("Cookie", $"eventauth-login={binding}"))));

        Assert.Equal(tokens + 1, World.Idp.Log.Grants("authorization_code"));
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.Found, a.StatusCode));
        Assert.Single(answers, a => a.Headers.TryGetValues("Set-Cookie", out var c) && c.Any(l => l.StartsWith("eventauth=", StringComparison.Ordinal)));
    }

    // Two parameters of one name: whichever is read, somebody else may read the other one.
    [StoreTheory]
    [InlineData("&code=c&code=d")]
    [InlineData("&code=c&error=access_denied")]
    [InlineData("&error=a&error=b")]
    [InlineData("&code=")]
    [InlineData("")]
    public async Task An_answer_needs_exactly_one_code_or_one_error(string rest)
    {
        var trial = await fixture.SignInAsync(walk: async browser =>
        {
            var start = await browser.VerifyAsync("/x");
            var state = QueryHelpers.ParseQuery(start.Headers.Location!.Query)["state"];
            return await browser.GetAsync($"/auth/callback?state={state}&iss={Uri.EscapeDataString(World.Idp.Issuer)}{rest}");
        });
        await trial.RefusedAsync("code", tokenRequests: 0);
    }

    // The state is the attacker's own and genuine; the victim has a login of their own under way, with its cookie.
    [StoreFact]
    public async Task Another_browser_that_has_a_login_of_its_own_is_sent_to_sign_in_as_itself()
    {
        World.Idp.SignInAs(new StubUser("mallory"));
        var attacker = World.NewBrowser();
        var callback = await attacker.FollowAsync(await attacker.VerifyAsync("/x"));
        var tokens = World.Idp.Log.Grants("authorization_code");

        var victim = World.NewBrowser();
        await victim.VerifyAsync("/y");
        var answer = await victim.FollowAsync(callback);
        Assert.StartsWith(World.Idp.Issuer + "/authorize", answer.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.Null(victim.SessionCookie);
        Assert.Equal(tokens, World.Idp.Log.Grants("authorization_code"));
    }

    public sealed class Fixture : ConformanceFixture;
}
