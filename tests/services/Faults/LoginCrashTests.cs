using System.Net;
using EventAuth.Adapters.Telemetry;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Faults;

/// <summary>F31: kill -9 of a gateway in the middle of a login. A session is there whole, with its cookie, or it is of no use.</summary>
public sealed class LoginCrashTests(LoginCrashTests.Setup setup) : IClassFixture<LoginCrashTests.Setup>
{
    public sealed class Setup : ProcessWorldFixture
    {
        internal override Task<ProcessWorld> StartAsync() => ProcessWorld.StartAsync("logincrash", gateways: 1);
    }

    // Before the append nothing is stored; after it a session is, whose secret nobody was told.
    [StoreTheory]
    [InlineData(Failpoints.LoginAfterToken, 0)]
    [InlineData(Failpoints.LoginBeforeCookie, 1)]
    public async Task Who_dies_before_the_cookie_leaves_no_session_that_anybody_can_use(string place, int stored)
    {
        for (var round = 0; round < LongRun.Times(1, 20); round++)
        {
            var sub = $"{place}-{round}";
            await ProcessWorld.RestartAsync(setup.World.Gateways[0], $"{place}:exit");
            var (browser, callback) = await UntilCallbackAsync(sub);
            var exchanged = setup.World.Idp.Log.Grants("authorization_code");
            await Assert.ThrowsAsync<HttpRequestException>(() => browser.FollowAsync(callback));
            await ProcessWorld.DiedAsync(setup.World.Gateways[0]);
            await ProcessWorld.RestartAsync(setup.World.Gateways[0]);

            Assert.Null(browser.SessionCookie);
            Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);
            Assert.Equal(stored, await SessionsAsync(sub, "true"));
            await TheCodeIsSpentAsync(browser, callback, exchanged);
            await ALogoutEndsAllAsync(browser, sub);
        }
    }

    [StoreFact]
    public async Task Who_dies_after_the_cookie_leaves_a_session_that_works_and_can_be_ended()
    {
        for (var round = 0; round < LongRun.Times(1, 20); round++)
        {
            var (browser, sub) = await AnsweredAndDeadAsync(round);
            await ProcessWorld.RestartAsync(setup.World.Gateways[0]);

            Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
            Assert.Equal(1, await SessionsAsync(sub, "true"));
            await ALogoutEndsAllAsync(browser, sub);
        }
    }

    // Somebody is signed out everywhere while the gateway holds their tokens and has not stored the session yet.
    [StoreFact]
    public async Task A_logout_that_comes_between_tokens_and_session_makes_the_login_begin_again()
    {
        await using var store = await TestStore.CreateAsync("overtaken");
        await using var world = await World.StartAsync(store);
        var (reached, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        world.Gateways[0].Services.GetRequiredService<Failpoints>().Set(Failpoints.LoginAfterToken, () =>
        {
            reached.TrySetResult();
            return release.Task;
        });
        world.Idp.SignInAs(new StubUser("alice"));
        var browser = world.NewBrowser();
        var answer = browser.FollowAsync(await ToCallbackAsync(browser));
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal(200, await world.Idp.SendLogoutTokenAsync(new Uri(world.Logout.Public, "/backchannel-logout"), "alice", null, default));
        release.SetResult();

        var again = await answer;
        Assert.Equal(HttpStatusCode.Found, again.StatusCode);
        Assert.StartsWith(world.Idp.Issuer, again.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.Null(browser.SessionCookie);
        Assert.Equal("0", (await store.QueryAsync("select count(*) from eventauth.session"))[0][0]);
    }

    // The answer was handed over; whether it still got out of the dying process is a matter of microseconds. Once in ten it does.
    private async Task<(Browser, string)> AnsweredAndDeadAsync(int round)
    {
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var sub = $"after-cookie-{round}-{attempt}";
            await ProcessWorld.RestartAsync(setup.World.Gateways[0], $"{Failpoints.LoginAfterCookie}:exit");
            var (browser, callback) = await UntilCallbackAsync(sub);
            try
            {
                await browser.FollowAsync(callback);
            }
            catch (HttpRequestException)
            {
                // Died too early.
            }

            await ProcessWorld.DiedAsync(setup.World.Gateways[0]);
            if (browser.SessionCookie is not null)
            {
                return (browser, sub);
            }
        }

        throw new InvalidOperationException("no answer got out in ten attempts");
    }

    private async Task<(Browser, HttpResponseMessage)> UntilCallbackAsync(string sub)
    {
        setup.World.Idp.SignInAs(new StubUser(sub));
        var browser = setup.World.NewBrowser();
        return (browser, await ToCallbackAsync(browser));
    }

    /// <summary>The answer of the IdP that leads to our callback.</summary>
    private static async Task<HttpResponseMessage> ToCallbackAsync(Browser browser)
    {
        var answer = await browser.VerifyAsync("/x");
        while (answer.Headers.Location is { } to && !to.OriginalString.Contains("/auth/callback", StringComparison.Ordinal))
        {
            answer = await browser.FollowAsync(answer);
        }

        Assert.NotNull(answer.Headers.Location);
        return answer;
    }

    // Reload of the page that never came: the state was used, so the code goes nowhere, and the login begins anew.
    private async Task TheCodeIsSpentAsync(Browser browser, HttpResponseMessage callback, int exchangedBefore)
    {
        var again = await browser.FollowAsync(callback);

        Assert.Equal(HttpStatusCode.Found, again.StatusCode);
        Assert.Null(browser.SessionCookie);
        Assert.Equal(exchangedBefore + 1, setup.World.Idp.Log.Grants("authorization_code"));
    }

    private async Task ALogoutEndsAllAsync(Browser browser, string sub)
    {
        Assert.Equal(200, await setup.World.SendAsync(setup.World.Idp.LogoutToken(sub, null)));
        await Until.TrueAsync("the gateway refuses", async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized);
        await Until.TrueAsync("whatever was stored is over and has lost its tokens", async () =>
            await SessionsAsync(sub, "ended_at is null or exists (select 1 from eventauth.session_token t where t.session_id = id)") == 0);
        Assert.Equal(0, await SessionsAsync(sub, "expires_at is null"));
    }

    private async Task<int> SessionsAsync(string sub, string condition) => int.Parse(
        (await setup.World.Store.QueryAsync($"select count(*) from eventauth.session where sub = '{sub}' and ({condition})"))[0][0],
        System.Globalization.CultureInfo.InvariantCulture);
}
