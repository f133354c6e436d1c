using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Bearer;

public sealed class AccessTokenTests(AccessTokenTests.Fixture fixture) : IClassFixture<AccessTokenTests.Fixture>
{
    private readonly World _world = fixture.World;

    private StubProvider Idp => _world.Idp;

    [StoreFact]
    public async Task A_good_token_lets_its_person_in_and_tells_the_application_who_it_is()
    {
        using var answer = await _world.CallAsync(Idp.Token("robot", c => c["groups"] = new JsonArray("staff", "ops")));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("robot", answer.Headers.GetValues("X-Forwarded-User").Single());
        Assert.Equal("staff,ops", answer.Headers.GetValues("X-Forwarded-User-Groups").Single());
        Assert.Equal("", answer.Headers.GetValues("X-Forwarded-User-Email").Single());
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        Assert.False(answer.Headers.Contains("Authorization"));
    }

    // A program that is redirected to a login page takes the page for its data.
    [StoreFact]
    public async Task A_bad_token_is_never_answered_with_a_redirect()
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        using var answer = await _world.CallAsync(Idp.Token("robot", c => (c["iat"], c["exp"]) = (now - 300, now - 120)));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains("error=\"invalid_token\"", answer.Challenge(), StringComparison.Ordinal);
        Assert.Contains("the token has expired", answer.Challenge(), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task Without_a_token_the_challenge_names_no_error()
    {
        using var answer = await _world.NewBrowser().CallAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer realm=\"eventauth\"", answer.Challenge());
    }

    [StoreTheory]
    [InlineData("bearer")]
    [InlineData("BEARER")]
    [InlineData("Bearer  ")]
    public async Task The_schemes_spelling_does_not_matter(string scheme)
    {
        using var answer = await _world.CallAsync(null, change: r => r.Headers.TryAddWithoutValidation("Authorization", $"{scheme} {Idp.Token("robot")}"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [StoreTheory]
    [InlineData("Basic YWxpY2U6eA==")]
    [InlineData("DPoP abc")]
    [InlineData("Bearerabc")]
    public async Task Other_schemes_are_the_applications_matter_and_no_credential_here(string authorization)
    {
        using var nobody = await _world.CallAsync(null, change: r => r.Headers.TryAddWithoutValidation("Authorization", authorization));
        Assert.Equal(HttpStatusCode.Found, nobody.StatusCode);

        using var alice = await _world.CallAsync(null, browser: await _world.SignInAsync(new StubUser("alice")),
            change: r => r.Headers.TryAddWithoutValidation("Authorization", authorization));
        Assert.Equal(HttpStatusCode.OK, alice.StatusCode);
    }

    // Two headers: a proxy may show the application the other one.
    [StoreFact]
    public async Task Two_Authorization_headers_are_refused_even_if_both_are_good()
    {
        // By hand: an HTTP client would join the two.
        var gateway = _world.Gateways[0].Public;
        var line = $"Authorization: Bearer {Idp.Token("robot")}\r\n";
        using var connection = new TcpClient();
        await connection.ConnectAsync(gateway.Host, gateway.Port);
        await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            "GET /verify HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: http\r\n"
            + $"X-Forwarded-Host: {World.Host}\r\nX-Forwarded-Uri: /x\r\n{line}{line}\r\n"));
        using var reader = new StreamReader(connection.GetStream(), Encoding.ASCII);
        var answer = await reader.ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Contains("error=\"invalid_request\"", answer, StringComparison.Ordinal);
    }

    [StoreTheory]
    [InlineData("")]
    [InlineData("a.b.c")]
    [InlineData("a b")]
    [InlineData("..")]
    public async Task Nonsense_is_an_invalid_token(string token)
    {
        using var answer = await _world.CallAsync(token);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains("invalid_token", answer.Challenge(), StringComparison.Ordinal);
    }

    // Confused deputy: a page that sends its own token along with the victim's cookie, or the other way round.
    [StoreFact]
    public async Task Cookie_and_token_must_both_hold_and_be_of_one_person()
    {
        var alice = await _world.SignInAsync(new StubUser("alice"));

        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(Idp.Token("alice"), browser: alice));
        Assert.Equal(HttpStatusCode.BadRequest, await _world.StatusAsync(Idp.Token("bob"), browser: alice));
        Assert.Equal(HttpStatusCode.Unauthorized, await _world.StatusAsync(Idp.Token("alice", c => c["exp"] = 1), browser: alice));
        Assert.Equal(HttpStatusCode.Unauthorized, await _world.StatusAsync("x", browser: alice));
    }

    [StoreFact]
    public async Task A_cookie_that_never_was_ours_does_not_spoil_a_good_token()
    {
        var stranger = _world.NewBrowser();
        stranger.SetCookie("eventauth", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(Idp.Token("alice"), browser: stranger));

        stranger.SetCookie("eventauth", "nonsense");
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(Idp.Token("alice"), browser: stranger));
    }

    [StoreFact]
    public async Task Whose_session_was_ended_is_not_let_in_by_a_token_on_top_of_its_cookie()
    {
        var carol = await _world.SignInAsync(new StubUser("carol"));
        var cookie = carol.SessionCookie!;
        var session = SessionId.OfSecret(Base64Url.DecodeFromChars(cookie));
        using var ended = await carol.OwnAsync(HttpMethod.Post, $"/api/sessions/{session}/end", change: r => r.Headers.Add("Origin", World.PublicUrl));
        Assert.Equal(HttpStatusCode.OK, ended.StatusCode);

        carol.SetCookie("eventauth", cookie);
        await Until.TrueAsync("the gateway has heard of it", async () =>
            await _world.StatusAsync(Idp.Token("carol"), browser: carol) == HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(Idp.Token("dave"), browser: carol));
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(Idp.Token("carol")));
    }

    [StoreFact]
    public async Task Where_a_rule_demands_a_scope_a_token_without_it_is_told_which()
    {
        using var answer = await _world.CallAsync(Idp.Token("robot", c => c["scope"] = "write"), "/scoped/x");

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains("error=\"insufficient_scope\"", answer.Challenge(), StringComparison.Ordinal);
        Assert.Contains("scope=\"read\"", answer.Challenge(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(Idp.Token("robot", c => c["scope"] = "write read"), "/scoped/x"));
    }

    [StoreFact]
    public async Task Rules_about_groups_hold_for_tokens_and_open_places_stay_open()
    {
        Assert.Equal(HttpStatusCode.Forbidden, await _world.StatusAsync(Idp.Token("robot"), "/admin"));
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(Idp.Token("robot", c => c["groups"] = "admins"), "/admin"));
        using var open = await _world.CallAsync("nonsense", "/public");
        Assert.Equal(HttpStatusCode.OK, open.StatusCode);
        Assert.Equal("", open.Headers.GetValues("X-Forwarded-User").Single());
    }

    // An ID token is for the client that signed the person in, and lies around in browsers and logs.
    [StoreFact]
    public async Task An_ID_token_is_no_credential_even_if_it_is_for_this_audience()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, await _world.StatusAsync(Idp.Token("alice", c => c["nonce"] = "n", type: null)));
        Assert.Equal(HttpStatusCode.Unauthorized, await _world.StatusAsync(Idp.LogoutToken("alice", "s", c => c["aud"] = BearerWorld.Api)));
    }

    [StoreFact]
    public async Task A_token_is_used_as_often_as_its_program_likes()
    {
        var token = Idp.Token("robot");
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(token, gateway: i % 2));
        }
    }

    // Requests that share a check or a place in memory must be of one token (CVE-2026-71326).
    [StoreFact]
    public async Task Two_programs_that_ask_in_turns_are_never_taken_for_each_other()
    {
        var tokens = Enumerable.Range(0, 10).Select(i => (Sub: $"robot-{i % 2}", Text: Idp.Token($"robot-{i % 2}"))).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            for (var i = 0; i < 250; i++)
            {
                var (sub, text) = tokens[(i + worker) % tokens.Length];
                using var answer = await _world.CallAsync(text, gateway: i % 2);
                Assert.Equal(sub, answer.Headers.GetValues("X-Forwarded-User").Single());
            }
        }));
    }

    [StoreFact]
    public async Task A_key_that_came_after_the_last_look_is_found_once()
    {
        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(Idp.Token("robot"), gateway: 1));
        Idp.RotateKeys();
        var before = Idp.Log.Count(StubEndpoint.Keys);

        Assert.Equal(HttpStatusCode.OK, await _world.StatusAsync(Idp.Token("robot"), gateway: 1));
        Assert.Equal(before + 1, Idp.Log.Count(StubEndpoint.Keys));
    }

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, gateways: 2, settings: BearerWorld.Settings());
    }
}
