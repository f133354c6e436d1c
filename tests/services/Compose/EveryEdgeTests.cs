using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Compose;

[Collection(Caddy.Collection)]
public sealed class BehindCaddyTests(Caddy edge) : EveryEdgeTests(edge.World);

[Collection(Nginx.Collection)]
public sealed class BehindNginxTests(Nginx edge) : EveryEdgeTests(edge.World);

/// <summary>What holds whichever proxy stands in front.</summary>
public abstract class EveryEdgeTests(ComposeWorld world)
{
    private const string Page = "/deep/page?x=1&y=a%20b";

    [ComposeFact]
    public async Task A_person_signs_in_at_the_IdP_and_comes_back_to_the_page_they_asked_for()
    {
        using var alice = world.NewBrowser();

        var page = await alice.SignInAsync("alice", Page);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(new Uri(world.Edge, Page), page.Url);
        Assert.Contains("Hello, alice", page.Text, StringComparison.Ordinal);
    }

    [ComposeFact]
    public async Task The_application_learns_who_asks_in_every_identity_header()
    {
        using var alice = world.NewBrowser();
        await alice.SignInAsync("alice");

        var arrived = Headers(await alice.CallAsync(Page));

        Assert.Equal("alice", arrived[IdentityHeaders.User]);
        Assert.Equal("alice@example.test", arrived[IdentityHeaders.UserEmail]);
        Assert.Equal("Alice Example", arrived[IdentityHeaders.UserName]);
        Assert.Equal("admins,staff", arrived[IdentityHeaders.UserGroups]);
        Assert.Equal("admins,staff", arrived[IdentityHeaders.Groups]);
        Assert.Equal("admin", arrived[IdentityHeaders.Roles]);
        Assert.Equal("alice", arrived[IdentityHeaders.AuthRequestUser]);
        Assert.Equal("alice@example.test", arrived[IdentityHeaders.AuthRequestEmail]);
        Assert.Equal("admins,staff", arrived[IdentityHeaders.AuthRequestGroups]);
    }

    // A real IdP's token (RFC 9068), through a real proxy: good, tampered with, and good again only for as long as nobody takes it back.
    [ComposeFact]
    public async Task A_program_gets_through_with_an_access_token_of_the_IdP_until_it_is_taken_back()
    {
        var token = await world.Idp.AccessTokenAsync(world.ClientSecret);
        using var program = world.NewBrowser();
        using var alice = world.NewBrowser();
        await alice.SignInAsync("alice");

        var good = await program.CallAsync(Page, Bring(token));
        Assert.Equal(HttpStatusCode.OK, good.Status);
        Assert.Equal("robot", Headers(good)[IdentityHeaders.User]);
        Assert.Equal(HttpStatusCode.Forbidden, (await program.CallAsync("/admin", Bring(token))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await program.CallAsync(Page, Bring(token[..^4] + "AAAA"))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await program.CallAsync(Page)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await alice.CallAsync(Page, Bring(token))).Status);

        var payload = JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.')[1])).RootElement;
        await alice.RevokeTokenAsync(payload.GetProperty("iss").GetString()!, payload.GetProperty("jti").GetString()!);
        await Until.TrueAsync("the token is refused", async () => (await program.CallAsync(Page, Bring(token))).Status == HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, (await program.CallAsync(Page, Bring(await world.Idp.AccessTokenAsync(world.ClientSecret)))).Status);
    }

    private static Action<HttpRequestMessage> Bring(string token) => r => r.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);

    // The oldest attack on forward auth: say it yourself. Applications that read CGI variables take X_Forwarded_User and
    // X.Forwarded.User for X-Forwarded-User.
    [ComposeFact]
    public async Task What_a_client_says_about_itself_never_reaches_the_application()
    {
        using var bob = world.NewBrowser();
        var stranger = await bob.CallAsync("/public/", Lie);
        await bob.SignInAsync("bob");
        var known = await bob.CallAsync("/", Lie);

        Assert.Equal(HttpStatusCode.OK, stranger.Status);
        Assert.DoesNotContain("mallory", stranger.Text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("bob", stranger.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("bob", Headers(known)[IdentityHeaders.User]);
        Assert.DoesNotContain("mallory", known.Text, StringComparison.OrdinalIgnoreCase);
    }

    // CVE-2024-45410 in another proxy: what Connection names is hop-by-hop, and a proxy removes it before the application
    // sees it, after the gateway has set it. An application that takes "no user" for "our own" would then let anybody in.
    [ComposeFact]
    public async Task A_client_cannot_have_the_identity_removed_either()
    {
        using var alice = world.NewBrowser();
        await alice.SignInAsync("alice");

        var answer = await alice.CallAsync("/", r =>
            r.Headers.TryAddWithoutValidation("Connection", "close, X-Forwarded-User, x-user-roles, X-Forwarded-Uri"));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("alice", Headers(answer)[IdentityHeaders.User]);
        Assert.Equal("admin", Headers(answer)[IdentityHeaders.Roles]);
    }

    // Whoever has the session's cookie is the person, everywhere: no application needs to see it.
    [ComposeFact]
    public async Task The_application_gets_its_own_cookies_and_none_of_ours()
    {
        using var alice = world.NewBrowser();
        await alice.SignInAsync("alice");

        var arrived = Headers(await alice.CallAsync(Page, r => r.Headers.Add("Cookie", "__Host-eventauth=x; theme=dark; myeventauth=1")));

        Assert.Equal("alice", arrived[IdentityHeaders.User]);
        Assert.Equal("theme=dark; myeventauth=1", arrived["Cookie"]);
    }

    [ComposeFact]
    public async Task Without_a_session_a_page_leads_to_the_IdP_and_a_program_gets_401()
    {
        using var nobody = world.NewBrowser();

        var page = await nobody.NavigateAsync(Page);
        var form = await nobody.OpenAsync(Page);
        var call = await nobody.CallAsync(Page);

        Assert.Equal(HttpStatusCode.Found, page.Status);
        Assert.Equal(world.Idp.Host, form.Url.Authority);
        Assert.Equal(HttpStatusCode.Unauthorized, call.Status);
        Assert.Equal(new Uri(world.Edge, "/auth/login").ToString(), JsonDocument.Parse(call.Text).RootElement.GetProperty("login").GetString());
    }

    [ComposeFact]
    public async Task A_public_path_is_open_to_everybody_and_tells_the_application_of_nobody()
    {
        using var nobody = world.NewBrowser();

        var answer = await nobody.CallAsync("/public/logo.png");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.All(IdentityHeaders.All, h => Assert.Equal("", Headers(answer).GetValueOrDefault(h, "")));
    }

    [ComposeFact]
    public async Task Somebody_who_is_not_in_the_group_gets_403_as_a_page_and_as_JSON()
    {
        using var bob = world.NewBrowser();
        await bob.SignInAsync("bob");
        using var alice = world.NewBrowser();
        await alice.SignInAsync("alice");

        var page = await bob.NavigateAsync("/admin/");
        var call = await bob.CallAsync("/admin/");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("<h1>", page.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, call.Status);
        Assert.Contains("not-allowed", call.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await alice.NavigateAsync("/admin/")).Status);
    }

    [ComposeFact]
    public async Task One_sign_in_passes_on_every_replica()
    {
        using var alice = world.NewBrowser();
        await alice.SignInAsync("alice");

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], await alice.AskGatewaysAsync());
    }

    [ComposeFact]
    public async Task Signing_out_at_the_IdP_ends_the_session_on_every_replica_within_the_bound()
    {
        using var alice = world.NewBrowser();
        await alice.SignInAsync("alice");
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], await alice.AskGatewaysAsync());

        await Revocation.AtTheIdpAsync(alice, world);

        await Revocation.ArrivesAsync(alice);
    }

    [ComposeFact]
    public async Task Signing_out_here_goes_through_the_IdP_and_back_and_nobody_is_signed_in_anywhere()
    {
        using var alice = world.NewBrowser();
        await alice.SignInAsync("alice");

        var question = await alice.SubmitAsync(await alice.OpenAsync("/auth/logout"));
        var end = await alice.SubmitAsync(question, ("logout", "yes"));

        Assert.Equal(world.Idp.Host, question.Url.Authority);
        Assert.Equal(new Uri(world.Edge, "/auth/logged-out").AbsolutePath, end.Url.AbsolutePath);
        Assert.Contains("You are signed out", end.Text, StringComparison.Ordinal);
        Assert.Null(alice.SessionCookie);
        Assert.Contains("name=\"password\"", (await alice.OpenAsync("/")).Text, StringComparison.Ordinal);
    }

    private static void Lie(HttpRequestMessage request)
    {
        string[] names = [.. IdentityHeaders.All, "X_Forwarded_User", "X.Forwarded.User", "X_User_Roles", "X-Forwarded_User", "x_auth_request_email"];
        foreach (var name in names)
        {
            request.Headers.TryAddWithoutValidation(name, "mallory");
        }
    }

    // As the echo application received them; two of one name would be joined by a comma and so be seen.
    private static Dictionary<string, string> Headers(Answer answer) =>
        JsonDocument.Parse(answer.Text).RootElement.GetProperty("headers").EnumerateObject()
            .ToDictionary(p => p.Name, p => p.Value.ToString(), StringComparer.OrdinalIgnoreCase);
}
