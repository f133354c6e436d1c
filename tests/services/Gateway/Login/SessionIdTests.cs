using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using EventAuth.Services.Tests.Conformance;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>The session's cookie: what it is made of, where it may go, and what can't be made of it.</summary>
public sealed class SessionIdTests(SessionIdTests.Fixture fixture) : IClassFixture<SessionIdTests.Fixture>
{
    private World World => fixture.World;

    [StoreFact]
    public async Task It_is_given_with_exactly_these_attributes()
    {
        var (http, https) = (await CallbackAsync(World), await OverHttpsAsync([]));
        Assert.Equal("eventauth=*; path=/; samesite=lax; httponly", http);
        Assert.Equal("__Host-eventauth=*; path=/; secure; samesite=lax; httponly", https);
        Assert.Equal("__Secure-eventauth=*; domain=example.test; path=/; secure; samesite=lax; httponly", await OverHttpsAsync(new()
        {
            ["publicUrl"] = "https://auth.example.test",
            ["session.cookieDomain"] = "example.test",
        }));
    }

    // CVE-2026-27840: a prefix of a ticket was enough. Also: stores that compare without case, and readers that stop early.
    [StoreFact]
    public async Task Nothing_but_the_whole_of_it_opens_the_session()
    {
        var browser = await World.SignInAsync(ConformanceFixture.Alice);
        var cookie = browser.SessionCookie!;
        var swapped = string.Concat(cookie.Select(c => char.IsAsciiLetterUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)));
        string[] others =
        [
            cookie[..^1], cookie[..^2], cookie[..22], cookie[..1], cookie + "A", cookie + "=", cookie + "." + cookie, cookie + "%00", cookie + " x",
            "A" + cookie[1..], cookie.ToLowerInvariant(), cookie.ToUpperInvariant(), swapped, $"\"{cookie}\"", cookie.Replace('-', '+').Replace('_', '/') + "!",
        ];
        Assert.Equal(HttpStatusCode.OK, await AskAsync(cookie));
        foreach (var other in others.Where(o => o != cookie))
        {
            Assert.True(await AskAsync(other) == HttpStatusCode.Unauthorized, $"let in with another {other.Length} characters");
        }
    }

    // Whoever reads the store, a backup or a replica must not be able to be somebody.
    [StoreFact]
    public async Task The_store_holds_nothing_that_can_be_used_as_one()
    {
        var browser = await World.SignInAsync(ConformanceFixture.Alice);
        var cookie = browser.SessionCookie!;
        var secret = Base64Url.DecodeFromChars(cookie);
        var dump = await DumpAsync(fixture.Store);
        Assert.DoesNotContain(cookie, dump, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToHexStringLower(secret), dump, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Convert.ToBase64String(secret), dump, StringComparison.Ordinal);

        // What is there of it, tried as a cookie in every spelling.
        var id = (await fixture.Store.QueryAsync("select replace(id::text, '-', '') from eventauth.session where ended_at is null"))[0][0];
        var bytes = Convert.FromHexString(id);
        string[] tries = [id, id + id[..11], Base64Url.EncodeToString(bytes), Base64Url.EncodeToString([.. bytes, .. bytes]), Base64Url.EncodeToString([.. bytes, .. new byte[16]])];
        foreach (var attempt in tries)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(attempt));
        }

        Assert.Contains(id, dump.Replace("-", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
    }

    // Fixation: the attacker plants a cookie, or an id in a link, before the victim signs in, and uses it afterwards.
    [StoreFact]
    public async Task A_value_that_was_there_before_the_login_is_worth_nothing_after_it()
    {
        var planted = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        World.Idp.SignInAs(ConformanceFixture.Alice);
        var victim = World.NewBrowser();
        victim.SetCookie("eventauth", planted);
        var start = await victim.GetAsync($"/auth/login?rd=/x&eventauth={planted}&session={planted}&sid={planted}");
        await victim.FollowAsync(await victim.FollowAsync(start));

        Assert.NotEqual(planted, victim.SessionCookie);
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(planted));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(victim.SessionCookie!));
    }

    // The planted cookie is the attacker's own live session: it must not survive beside the victim's, or go on under it.
    [StoreFact]
    public async Task The_session_that_was_there_before_ends_with_the_login()
    {
        var attacker = await World.SignInAsync(new StubUser("mallory"));
        World.Idp.SignInAs(ConformanceFixture.Alice);
        var victim = World.NewBrowser();
        var start = await victim.VerifyAsync("/x");
        victim.SetCookie("eventauth", attacker.SessionCookie!);
        await victim.FollowAsync(await victim.FollowAsync(start));

        Assert.NotEqual(attacker.SessionCookie, victim.SessionCookie);
        await Until.TrueAsync("the attacker's session is over", async () => await AskAsync(attacker.SessionCookie!) == HttpStatusCode.Unauthorized);
        Assert.Equal("alice", (await victim.VerifyAsync("/x")).Headers.GetValues(Contracts.IdentityHeaders.User).Single());
    }

    // Two instances behind one domain, or a copy of the settings: a cookie of the one means nothing to the other.
    [StoreFact]
    public async Task It_is_worth_nothing_at_another_instance()
    {
        var browser = await World.SignInAsync(ConformanceFixture.Alice);
        await using var store = await TestStore.CreateAsync("otherinstance");
        await using (var other = await World.StartAsync(store))
        {
            var stranger = other.NewBrowser();
            stranger.SetCookie("eventauth", browser.SessionCookie!);
            Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.CallAsync("/x")).StatusCode);
        }
    }

    // CVE-2024-24814, CVE-2023-28625: cookies of made-up pieces crashed the reader or kept it busy.
    [StoreFact]
    public async Task Heaps_of_cookies_are_refused_like_any_other()
    {
        var many = string.Join("; ", Enumerable.Range(0, 100).Select(i => $"c{i}=v")) + "; eventauth_chunks=99999999; eventauth_0=; eventauth=";
        foreach (var cookies in new[] { many, "eventauth=" + new string('A', 16_000), new string(';', 8_000), "eventauth=;eventauth=", "=;=eventauth" })
        {
            foreach (var path in new[] { "/auth/login?rd=/x", "/auth/callback?state=s&code=c", "/auth/sessions" })
            {
                var answer = await World.NewBrowser().GetAsync(path, change: r => r.Headers.TryAddWithoutValidation("Cookie", cookies));
                Assert.True((int)answer.StatusCode < 500, $"{path}: {answer.StatusCode}");
                Assert.False(answer.IsSuccessStatusCode);
            }
        }
    }

    internal static async Task<string> DumpAsync(TestStore store)
    {
        var dump = new StringBuilder();
        foreach (var table in await store.QueryAsync(
            "select format('%I.%I', table_schema, table_name) from information_schema.tables where table_schema like 'eventauth%'"))
        {
            foreach (var row in await store.QueryAsync($"select t::text from {table[0]} t"))
            {
                dump.AppendLine(row[0]);
            }
        }

        return dump.ToString();
    }

    private async Task<HttpStatusCode> AskAsync(string cookie)
    {
        var answer = await World.NewBrowser().CallAsync("/x", change: r => r.Headers.TryAddWithoutValidation("Cookie", $"eventauth={cookie}"));
        return answer.StatusCode;
    }

    private async Task<string> OverHttpsAsync(Dictionary<string, string> settings)
    {
        await using var world = await World.StartAsync(fixture.Store, settings: new Dictionary<string, string>(settings)
        {
            ["publicUrl"] = settings.GetValueOrDefault("publicUrl", "https://localhost:8080"),
        });
        return await CallbackAsync(world);
    }

    private static async Task<string> CallbackAsync(World world)
    {
        world.Idp.SignInAs(ConformanceFixture.Alice);
        var browser = world.NewBrowser();
        var callback = await browser.FollowAsync(await browser.GetAsync("/auth/login?rd=/x"));
        var answer = await browser.GetAsync(callback.Headers.Location!.PathAndQuery);
        var line = Assert.Single(answer.Headers.GetValues("Set-Cookie"), l => l.Split('=')[0].EndsWith("eventauth", StringComparison.Ordinal));
        var value = line[(line.IndexOf('=') + 1)..line.IndexOf(';')];
        Assert.Equal(43, value.Length);
        return line.Replace(value, "*", StringComparison.Ordinal);
    }

    public sealed class Fixture : ConformanceFixture;
}
