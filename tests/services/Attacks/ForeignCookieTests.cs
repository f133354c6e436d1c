using System.Net;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>Cookies that somebody planted, shortened, carried elsewhere, or that have had their day.</summary>
public sealed class ForeignCookieTests(SignedInFixture setup) : IClassFixture<SignedInFixture>
{
    // Fixation: the attacker plants a value of his own, or one in the address, and waits until the victim signs in with it. (A
    // live session that was planted ends with the sign-in: SigningInTests.)
    [StoreFact]
    public async Task TS1_a_value_that_was_planted_before_the_sign_in_is_nobodys_afterwards()
    {
        setup.World.Idp.SignInAs(new StubUser("victim"));
        var planted = new string('A', 43);
        var victim = setup.World.NewBrowser();
        victim.SetCookie("eventauth", planted);
        var callback = await victim.FollowAsync(await victim.GetAsync($"/auth/login?rd=/x&eventauth={planted}&session={planted}"));
        await victim.FollowAsync(callback);

        Assert.Equal(43, victim.SessionCookie!.Length);
        Assert.NotEqual(planted, victim.SessionCookie);
        Assert.Equal(401, (await (SignedInFixture.Nobody with { Cookie = $"eventauth={planted}" }).AskAsync(setup.Gateway)).Status);
        Assert.Equal(401, (await (SignedInFixture.Nobody with { Uri = $"/x?eventauth={victim.SessionCookie}" }).AskAsync(setup.Gateway)).Status);
    }

    // A neighbour of the domain tosses cookies in: under our name, under the prefixes' names, under an older name.
    [StoreTheory]
    [InlineData("{0}; {0}")]
    [InlineData("{0}; eventauth=x")]
    [InlineData("eventauth=; {0}")]
    [InlineData("{0};eventauth={1}")]
    [InlineData("Eventauth={1}")]
    [InlineData("__Host-eventauth={1}")]
    [InlineData("__Secure-eventauth={1}")]
    [InlineData("eventauth_session={1}")]
    [InlineData("$Version=1; eventauth=\"{1}\"; $Path=/")]
    [InlineData("eventauth={1}, eventauth={1}")]
    [InlineData("a=b, {0}")]
    [InlineData("eventauth ={1}")]
    [InlineData("eventauth= {1}x")]
    public async Task TS2_two_of_a_name_or_another_name_are_nobody(string cookie)
    {
        var (mine, value) = (setup.Bob.Cookie!, setup.Bob.Cookie!.Split('=')[1]);
        var answer = await (SignedInFixture.Nobody with { Cookie = string.Format(null, cookie, mine, value) }).AskAsync(setup.Gateway);

        Assert.Equal(401, answer.Status);
    }

    // CVE-2026-27840: the lookup took the first characters for the whole.
    [StoreFact]
    public async Task TS4_a_session_id_is_itself_only_to_the_last_bit_and_letter()
    {
        var value = setup.Bob.Cookie!.Split('=')[1];
        IEnumerable<string> others =
        [
            value[..^1], value[1..], value + "A", value + "=", value.ToUpperInvariant(), value.ToLowerInvariant(), value[..20], "", "%" + value[1..],
            .. Enumerable.Range(0, value.Length).Select(i => value[..i] + (value[i] == 'A' ? 'B' : 'A') + value[(i + 1)..]),
            .. Enumerable.Range(0, value.Length).Where(i => char.IsLetter(value[i])).Select(i => value[..i] + (char)(value[i] ^ 0x20) + value[(i + 1)..]),
            value.Replace('-', '+').Replace('_', '/') + "!",
        ];
        foreach (var other in others)
        {
            Assert.Equal(401, (await (SignedInFixture.Nobody with { Cookie = $"eventauth={other}" }).AskAsync(setup.Gateway)).Status);
        }

        SignedInFixture.AssertBobAndNobodyElse(await setup.Bob.AskAsync(setup.Gateway));
    }

    // Over 4096 bytes a browser drops the cookie without a word, and the person signs in for ever.
    [StoreFact]
    public async Task TS6_no_cookie_grows_with_what_is_known_of_a_person_or_where_they_were_going()
    {
        setup.World.Idp.SignInAs(new StubUser(new string('s', 255), $"{new string('e', 200)}@example.test", new string('n', 5000))
        {
            Groups = [.. Enumerable.Range(0, 500).Select(i => $"group-{i}")],
        });
        var browser = setup.World.NewBrowser();
        var answer = await browser.VerifyAsync("/x?y=" + new string('y', 7000));
        var lines = new List<string>();
        for (var hops = 0; hops < 3; hops++)
        {
            lines.AddRange(answer.Headers.TryGetValues("Set-Cookie", out var set) ? set : []);
            answer = await browser.FollowAsync(answer);
        }

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.True(lines.Count >= 2, string.Join('\n', lines));
        Assert.All(lines, l => Assert.InRange(l.Length, 1, 200));
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    // A cookie is deleted by setting it once more with the same attributes; with others it stays, beside the new one.
    [StoreFact]
    public async Task TS7_a_cookie_that_is_of_no_use_is_cleared_with_the_attributes_it_was_set_with()
    {
        setup.World.Idp.SignInAs(new StubUser("leaving"));
        var browser = setup.World.NewBrowser();
        var callback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
        var set = (await browser.FollowAsync(callback)).Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("eventauth=", StringComparison.Ordinal));
        await setup.World.Idp.SendLogoutTokenAsync(new Uri(setup.World.Logout.Public, "/backchannel-logout"), "leaving", null, CancellationToken.None);
        RawAnswer answer = null!;
        await Until.TrueAsync("the session has ended", async () =>
        {
            answer = await (SignedInFixture.Nobody with { Accept = "text/html", Cookie = $"eventauth={browser.SessionCookie}" }).AskAsync(setup.Gateway);
            return answer.Status == 302;
        });

        var cleared = answer.Header("Set-Cookie").Single(c => c.StartsWith("eventauth=", StringComparison.Ordinal));
        Assert.StartsWith("eventauth=;", cleared, StringComparison.Ordinal);
        Assert.Contains("expires=Thu, 01 Jan 1970", cleared, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(Attributes(set), Attributes(cleared));
    }

    // traefikoidc #87: two instances shared a prefix and a key, and each took the other's cookies for its own.
    [StoreFact]
    public async Task TS8_a_cookie_of_one_installation_is_worth_nothing_at_another()
    {
        await using var store = await TestStore.CreateAsync("elsewhere");
        await using var other = await World.StartAsync(store);

        Assert.Equal(401, (await setup.Bob.AskAsync(other.Gateways[0])).Status);
        SignedInFixture.AssertBobAndNobodyElse(await setup.Bob.AskAsync(setup.Gateway));
    }

    // State and the login's cookie are random values, not sealed ones: nothing can be forged out of them, only guessed.
    [StoreFact]
    public async Task TD2_a_state_or_a_login_cookie_with_one_changed_letter_finishes_no_sign_in()
    {
        setup.World.Idp.SignInAs(new StubUser("forged"));
        var tokens = setup.World.Idp.Log.Grants("authorization_code");
        foreach (var at in new[] { 0, 1, 7, 15, 21, 22, 31, 41 })
        {
            var browser = setup.World.NewBrowser();
            var callback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
            var (path, login) = (callback.Headers.Location!.PathAndQuery, browser.Cookie("eventauth-login")!);
            var state = path.IndexOf("state=", StringComparison.Ordinal) + "state=".Length;

            var changedState = await browser.GetAsync(Changed(path, state + at));
            browser.SetCookie("eventauth-login", Changed(login, at));
            var changedCookie = await browser.GetAsync(path);

            Assert.All(new[] { changedState, changedCookie }, a => Assert.True(a.StatusCode is HttpStatusCode.Found or HttpStatusCode.BadRequest, $"{a.StatusCode}"));
            Assert.Null(browser.SessionCookie);
        }

        Assert.Equal(tokens, setup.World.Idp.Log.Grants("authorization_code"));
    }

    private static string Changed(string text, int at) => text[..at] + (text[at] == 'A' ? 'B' : 'A') + text[(at + 1)..];

    private static string Attributes(string line) => string.Join("; ", line.Split("; ").Skip(1)
        .Where(a => !a.StartsWith("expires", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.OrdinalIgnoreCase)).ToLowerInvariant();
}
