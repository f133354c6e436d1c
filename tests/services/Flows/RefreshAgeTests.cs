using System.Net;
using EventAuth.Adapters.Refresh;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Flows;

/// <summary>Refresh tokens die of old age at most IdPs: a dashboard that was left open must not hammer the IdP with one.</summary>
public sealed class RefreshAgeTests
{
    // RefreshingTests has the program's 401 without a call.
    [StoreFact]
    public async Task A_page_gets_one_try_with_an_old_refresh_token_and_the_IdPs_no_is_final()
    {
        await using var world = await RefreshWorld.StartAsync("agepage", stands: true);
        var (browser, _) = await world.SignInAsync();
        world.Idp.Withdraw("alice");
        world.Advance(TimeSpan.FromHours(7));

        Assert.Equal(HttpStatusCode.Found, (await browser.VerifyAsync()).StatusCode);
        Assert.Equal(HttpStatusCode.Found, (await browser.VerifyAsync(gateway: 1)).StatusCode);
        Assert.Equal(1, world.Calls);
    }

    [StoreFact]
    public async Task Zero_means_that_no_refresh_token_is_too_old()
    {
        await using var world = await RefreshWorld.StartAsync("ageoff", stands: true, idp: null, ("refresh.maxTokenAge", "0s"));
        var (browser, _) = await world.SignInAsync();
        world.Advance(TimeSpan.FromHours(7));

        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        Assert.Equal(1, world.Calls);
    }

    // There is no session without the time of its tokens: an IdP that names no lifetime gets five minutes, and the age counts from the login.
    [StoreFact]
    public async Task Tokens_without_a_lifetime_have_an_age_all_the_same()
    {
        await using var world = await RefreshWorld.StartAsync("ageunknown", stands: true);
        var (browser, id) = await world.SignInAsync();
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Json(200, new { access_token = "opaque", token_type = "Bearer" }));
        Assert.IsType<RefreshOutcome.Renewed>(await world.RefreshAsync(0, id));
        world.Advance(TimeSpan.FromHours(5));
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
        world.Advance(TimeSpan.FromHours(7));

        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync()).StatusCode);
        Assert.Equal(2, world.Calls);
    }
}
