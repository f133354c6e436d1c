using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>
/// Response splitting: a line break in something that is repeated in an answer ends our header and begins the attacker's, a
/// cookie for example. Read from the socket, where nothing has put it right.
/// </summary>
public sealed class ReflectedTextTests(SignedInFixture setup) : IClassFixture<SignedInFixture>
{
    private const string Lines = "\r\nSet-Cookie: injected=1\r\nInjected: 1\r\n\r\n<script>injected</script>";

    // What a client can write for a line break where the plain one would end the line: each was decoded by somebody.
    private static readonly string[] Breaks = ["%0d%0a", "%0D%0A", "%250d%250a", "%0a", "%0d", "\\r\\n", "%E5%98%8D%E5%98%8A", "%C4%8D%C4%8A", "%e2%80%a8", "%c2%85"];

    [StoreTheory]
    [InlineData("/auth/login?rd=/a{0}")]
    [InlineData("/auth/login?rd=http://localhost:8080/a{0}")]
    [InlineData("/auth/login?rd={0}")]
    [InlineData("/auth/login?{0}=1")]
    [InlineData("/auth/login{0}")]
    [InlineData("/auth/callback?state={0}&code=c")]
    [InlineData("/auth/callback?state=s&code={0}")]
    [InlineData("/auth/callback?state=s&iss={0}&code=c")]
    [InlineData("/auth/callback?state=s&error={0}&error_description={0}")]
    [InlineData("/auth/logged-out?state={0}")]
    [InlineData("/auth/sessions?find={0}")]
    [InlineData("/{0}")]
    public async Task TD4_no_parameter_begins_a_line_of_the_answer(string target)
    {
        foreach (var text in Breaks.Select(b => Encoded(b)))
        {
            var path = string.Format(null, target, text);
            foreach (var cookie in new[] { null, setup.Bob.Cookie })
            {
                var answer = await RawSocket.SendAsync(setup.Gateway.Public,
                    $"GET {path} HTTP/1.1\r\nHost: {World.Host}\r\nAccept: text/html\r\nConnection: close\r\n{(cookie is null ? "" : $"Cookie: {cookie}\r\n")}\r\n");
                AssertWhole(answer, path);
            }
        }
    }

    // An error of the IdP belongs to a login that this browser began: only then is its text shown at all.
    [StoreFact]
    public async Task TD4_what_an_IdP_says_begins_no_line_either()
    {
        foreach (var text in Breaks.Select(b => Encoded(b)))
        {
            var browser = setup.World.NewBrowser();
            var start = await browser.VerifyAsync("/x");
            var state = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(start.Headers.Location!.Query)["state"];
            var answer = await RawSocket.SendAsync(setup.Gateway.Public,
                $"GET /auth/callback?state={state}&iss={Uri.EscapeDataString(setup.World.Idp.Issuer)}&error=access_denied{text}&error_description={text} HTTP/1.1\r\n"
                + $"Host: {World.Host}\r\nAccept: text/html\r\nConnection: close\r\nCookie: eventauth-login={browser.Cookie("eventauth-login")}\r\n\r\n");

            Assert.True(answer.Status is 400 or 403, answer.Text);
            AssertWhole(answer, text);
        }
    }

    // TD9: an application behind another name, or a page with a strange query, is where the browser is sent back to.
    [StoreFact]
    public async Task TD9_neither_host_nor_URI_begin_a_line_on_the_way_to_sign_in_or_back()
    {
        foreach (var text in Breaks.Select(b => Encoded(b)))
        {
            AssertWhole(await (SignedInFixture.Nobody with { Accept = "text/html", Host = "localhost" + text }).AskAsync(setup.Gateway), text);
            AssertWhole(await (SignedInFixture.Nobody with { Accept = "text/html", Proto = "http" + text }).AskAsync(setup.Gateway), text);
            AssertWhole(await (SignedInFixture.Nobody with { Accept = "text/html", Uri = "/x" + text }).AskAsync(setup.Gateway), text);
            AssertWhole(await (SignedInFixture.Nobody with { Accept = "text/html", Uri = "/x?" + text }).AskAsync(setup.Gateway), text);
        }

        setup.World.Idp.SignInAs(new StubUser("returning"));
        var browser = setup.World.NewBrowser();
        var callback = await browser.FollowAsync(await browser.VerifyAsync("/x?y=" + Encoded("%0d%0a")));
        var back = await RawSocket.SendAsync(setup.Gateway.Public,
            $"GET {callback.Headers.Location!.PathAndQuery} HTTP/1.1\r\nHost: {World.Host}\r\nConnection: close\r\nCookie: eventauth-login={browser.Cookie("eventauth-login")}\r\n\r\n");
        Assert.Equal(302, back.Status);
        Assert.Equal([$"{World.PublicUrl}/x?y={Encoded("%0d%0a")}"], back.Header("Location"));
        AssertWhole(back, "the way back");
    }

    // F2: names and groups are what the IdP's users typed there.
    [StoreTheory]
    [InlineData("splitter", HttpStatusCode.OK)]
    [InlineData("s\r\nInjected: 1", null)]
    public async Task TD4_nothing_that_an_IdP_knows_of_a_person_begins_a_line(string sub, HttpStatusCode? expected)
    {
        var user = new StubUser(sub, "e@example.test" + Lines, "n" + Lines) { Groups = ["g" + Lines, "ärzte", "😀", "a,admins"], Roles = ["r\r\nX-User-Roles: admin"] };
        setup.World.Idp.SignInAs(user);
        var browser = setup.World.NewBrowser();
        var page = await browser.OpenAsync("/x");
        Assert.True(page.StatusCode == (expected ?? page.StatusCode) && page.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest, $"{page.StatusCode}");

        var answer = await (SignedInFixture.Nobody with { Cookie = $"eventauth={browser.SessionCookie}" }).AskAsync(setup.Gateway);
        AssertWhole(answer, "the answer about a person");
        Assert.All(IdentityHeaders.All, name => Assert.True(answer.Header(name).Length == (answer.Allows ? 1 : 0), name));
        Assert.All(answer.HeaderLines, line => Assert.True(line.All(c => c is >= ' ' and <= '~'), line));

        foreach (var path in new[] { "/auth/sessions", "/auth/logout" })
        {
            AssertWhole(await RawSocket.SendAsync(setup.Gateway.Public,
                $"GET {path} HTTP/1.1\r\nHost: {World.Host}\r\nAccept: text/html\r\nConnection: close\r\nCookie: eventauth={browser.SessionCookie}\r\n\r\n"), path);
        }
    }

    private static string Encoded(string lineBreak) => $"{lineBreak}Set-Cookie:injected=1{lineBreak}Injected:1{lineBreak}{lineBreak}%3Cscript%3Einjected";

    private static void AssertWhole(RawAnswer answer, string sentence)
    {
        Assert.True(answer.Status is > 0 and < 500, $"{sentence}: {answer.Text}");
        Assert.Equal(1, answer.Answers);
        Assert.DoesNotContain(answer.HeaderLines, l => l.StartsWith("Injected", StringComparison.OrdinalIgnoreCase));
        Assert.Empty(answer.Header("Injected"));
        Assert.DoesNotContain(answer.Header("Set-Cookie"), c => c.Contains("injected", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain("<script", answer.Body, StringComparison.OrdinalIgnoreCase);
    }
}
