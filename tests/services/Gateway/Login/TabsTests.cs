using System.Net;
using EventAuth.Services.Tests.Conformance;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>A browser that opens many tabs of a site after a weekend: all of them need a login at once.</summary>
public sealed class TabsTests(TabsTests.Fixture fixture) : IClassFixture<TabsTests.Fixture>
{
    private const int Tabs = 10;

    private World World => fixture.World;

    [StoreTheory]
    [InlineData("one after the other", false)]
    [InlineData("step by step together", true)]
    public async Task Tabs_that_begin_without_any_cookie_all_arrive(string how, bool together)
    {
        World.Idp.SignInAs(ConformanceFixture.Alice);
        var browser = World.NewBrowser();
        var answers = new List<HttpResponseMessage>();
        for (var tab = 0; tab < Tabs; tab++)
        {
            // All are sent before the first answer is there: each is given a cookie, and the last one stays.
            answers.Add(await browser.VerifyAsync($"/tab{tab}", change: r => r.Headers.Add("Cookie", "unrelated=1")));
        }

        if (together)
        {
            for (var step = 0; step < 5; step++)
            {
                for (var tab = 0; tab < Tabs; tab++)
                {
                    answers[tab] = await StepAsync(browser, answers[tab]);
                }
            }
        }
        else
        {
            for (var tab = 0; tab < Tabs; tab++)
            {
                for (var step = 0; step < 5; step++)
                {
                    answers[tab] = await StepAsync(browser, answers[tab]);
                }
            }
        }

        Assert.All(answers, a => Assert.True(a.StatusCode == HttpStatusCode.OK, how));
        Assert.Equal(HttpStatusCode.OK, (await browser.VerifyAsync("/x")).StatusCode);
    }

    // The count of circles is about logins whose proof is lost: after so many tabs a person may sign in anew.
    [StoreFact]
    public async Task After_many_tabs_a_further_login_is_no_circle()
    {
        World.Idp.SignInAs(ConformanceFixture.Alice);
        var browser = World.NewBrowser();
        var starts = new List<HttpResponseMessage>();
        for (var tab = 0; tab < Tabs; tab++)
        {
            starts.Add(await browser.VerifyAsync($"/tab{tab}"));
        }

        foreach (var start in starts)
        {
            await browser.FollowAsync(await browser.FollowAsync(start));
        }

        browser.SetCookie("eventauth", "lost");
        Assert.Equal(HttpStatusCode.OK, (await browser.OpenAsync("/x")).StatusCode);
    }

    // A page that embeds a hundred protected frames must not fill the store.
    [StoreFact]
    public async Task A_browser_has_twenty_pending_logins_and_the_oldest_give_way()
    {
        World.Idp.SignInAs(ConformanceFixture.Alice);
        var browser = World.NewBrowser();
        var starts = new List<HttpResponseMessage>();
        for (var tab = 0; tab < 25; tab++)
        {
            starts.Add(await browser.VerifyAsync($"/tab{tab}"));
        }

        var most = await fixture.Store.QueryAsync("select max(n) from (select count(*) n from eventauth.login_attempt group by binding_hash) as b");
        Assert.Equal("20", most[0][0]);

        var oldest = await browser.FollowAsync(await browser.FollowAsync(starts[0]));
        Assert.StartsWith(World.Idp.Issuer, oldest.Headers.Location!.ToString(), StringComparison.Ordinal);
        var newest = await browser.FollowAsync(await browser.FollowAsync(starts[24]));
        Assert.Equal($"{World.PublicUrl}/tab24", newest.Headers.Location!.ToString());
    }

    private static async Task<HttpResponseMessage> StepAsync(Browser browser, HttpResponseMessage answer) =>
        answer.StatusCode == HttpStatusCode.Found ? await browser.FollowAsync(answer) : answer;

    public sealed class Fixture : ConformanceFixture;
}
