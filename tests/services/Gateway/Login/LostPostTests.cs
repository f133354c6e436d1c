using System.Net;
using EventAuth.Services.Tests.Conformance;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>What somebody sends without a session is refused where they see it, never redirected and forgotten.</summary>
public sealed class LostPostTests(LostPostTests.Fixture fixture) : IClassFixture<LostPostTests.Fixture>
{
    private World World => fixture.World;

    // A redirect would make a GET of it: the browser shows a page that looks like success, and the form is gone.
    [StoreTheory]
    [InlineData("POST", "text/html,application/xhtml+xml,*/*;q=0.8", "navigate")]
    [InlineData("POST", "application/json", "cors")]
    [InlineData("PUT", "*/*", "cors")]
    [InlineData("DELETE", "*/*", "")]
    [InlineData("PATCH", "", "")]
    public async Task Without_a_session_it_is_401_with_the_address_of_the_login(string method, string accept, string mode)
    {
        var answer = await SendAsync(World.NewBrowser(), method, accept, mode);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Null(answer.Headers.Location);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
        Assert.Contains($"{World.PublicUrl}/auth/login", body, StringComparison.Ordinal);
        Assert.Contains("Nothing that was sent has reached the application", body, StringComparison.Ordinal);
        Assert.True(body.Length < 2048, $"{body.Length}");
    }

    // The cookie of a login that another tab is just getting must survive the failure of this one.
    [StoreFact]
    public async Task With_a_session_that_is_over_it_is_the_same_and_the_cookie_is_left_alone()
    {
        var browser = World.NewBrowser();
        browser.SetCookie("eventauth", new string('A', 43));
        var answer = await SendAsync(browser, "POST", "text/html", "navigate");
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    private static Task<HttpResponseMessage> SendAsync(Browser browser, string method, string accept, string mode) =>
        browser.VerifyAsync("/form", change: r =>
        {
            r.Headers.Remove("X-Forwarded-Method");
            r.Headers.Add("X-Forwarded-Method", method);
            r.Headers.Remove("Accept");
            Add(r, "Accept", accept);
            Add(r, "Sec-Fetch-Mode", mode);
        });

    private static void Add(HttpRequestMessage request, string name, string value)
    {
        if (value.Length > 0)
        {
            request.Headers.Add(name, value);
        }
    }

    public sealed class Fixture : ConformanceFixture;
}
