using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Guarantee;

/// <summary>One event, one feed row: every session of everybody that began before is dead, at every replica.</summary>
public sealed partial class SigningEveryoneOutTests(SigningEveryoneOutTests.Fixture fixture) : IClassFixture<SigningEveryoneOutTests.Fixture>
{
    private const string Api = "/api/everybody/revoke";
    private static readonly StubUser Alice = new("alice");
    private static readonly StubUser Root = new("root") { Groups = ["admins"] };

    private readonly World _world = fixture.World;

    [StoreFact]
    public async Task Every_replica_refuses_every_older_session_and_one_started_afterwards_does_too()
    {
        var (alice, root) = (await _world.SignInAsync(Alice), await _world.SignInAsync(Root));
        await AskEverywhereAsync(alice);
        Assert.True(await RevokeAsync(root, "incident 7") > 0);

        // The answer takes the cookie along; what a thief had copied of it is dead as well.
        Assert.Null(root.SessionCookie);
        await DeadEverywhereAsync(alice);
        var late = await _world.AddGatewayAsync($"gateway-{_world.Gateways.Count + 1}");
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.CallAsync("/x", _world.Gateways.IndexOf(late))).StatusCode);
    }

    [StoreFact]
    public async Task Who_signs_in_afterwards_stays_signed_in_everywhere()
    {
        var before = await _world.SignInAsync(Alice);
        await RevokeAsync(await _world.SignInAsync(Root), "incident 8");
        await DeadEverywhereAsync(before);
        await AskEverywhereAsync(await _world.SignInAsync(Alice));
    }

    // The browser is at the IdP when everybody is signed out: the session of that login would be older than the revocation.
    [StoreFact]
    public async Task A_login_under_way_at_that_moment_is_begun_again()
    {
        var root = await _world.SignInAsync(Root);
        _world.Idp.SignInAs(Alice);
        var browser = _world.NewBrowser();
        var toCallback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
        await RevokeAsync(root, "incident 9");

        var answer = await browser.FollowAsync(toCallback);
        Assert.Null(browser.SessionCookie);
        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        Assert.StartsWith(_world.Idp.Issuer, answer.Headers.Location!.ToString(), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task The_record_tells_who_did_it_and_why_and_every_sessions_end_names_that_event()
    {
        // More than the sweep takes at once.
        var sessions = _world.Logout.Services.GetRequiredService<SessionService>();
        var root = await _world.SignInAsync(Root);
        var head = await HeadAsync();
        for (var i = 0; i < 230; i++)
        {
            await sessions.ExecuteAsync(new SessionId(Guid.CreateVersion7()), new SessionCommand.Issue(
                new Subject(_world.Idp.Issuer, $"crowd-{i}"), null, "eventauth", [], [], head, TimeProvider.System.GetUtcNow(),
                TimeSpan.FromHours(1), TimeProvider.System.GetUtcNow().AddMinutes(5), Refreshable: false), new WriteContext(), default);
        }

        var position = await RevokeAsync(root, "incident 10");
        var revoked = Assert.Single(await fixture.Store.QueryAsync($"""
            select e.id, e.data->>'cause', e.data->>'actor', e.correlation_id, s.type from eventauth_events.mt_events e
            join eventauth_events.mt_streams s on s.id = e.stream_id
            where e.type = 'all_revoked' and e.stream_id = 'everybody' and (e.data->>'position')::bigint = {position}
            """));
        Assert.Equal(["incident 10", new Subject(_world.Idp.Issuer, "root").Key.ToString()], revoked[1..3]);
        Assert.StartsWith("request:", revoked[3], StringComparison.Ordinal);
        Assert.Equal("everybody", revoked[4]);
        Assert.Equal("1", (await fixture.Store.QueryAsync($"select count(*) from eventauth.revocation where position >= {position}"))[0][0]);

        await Until.TrueAsync("every session's stream tells its end", async () => (await fixture.Store.QueryAsync($"""
            select count(*) from eventauth_events.mt_events e join eventauth.session s on e.stream_id = 'session-' || replace(s.id::text, '-', '')
            where e.type = 'session_ended' and e.causation_id = '{revoked[0]}' and e.data->>'reason' = 'EndedByOperator'
              and e.correlation_id = '{revoked[3]}' and s.sub like 'crowd-%'
            """))[0][0] == "230");
    }

    [StoreFact]
    public async Task Only_those_whom_a_rule_for_that_very_place_names_may_do_it()
    {
        var (alice, root) = (await _world.SignInAsync(Alice), await _world.SignInAsync(Root));
        Assert.Equal(HttpStatusCode.Forbidden, (await alice.OwnAsync(HttpMethod.Post, Api, Reason("x"))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _world.NewBrowser().OwnAsync(HttpMethod.Post, Api, Reason("x"))).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await root.OwnAsync(HttpMethod.Post, Api)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden,
            (await root.OwnAsync(HttpMethod.Post, Api, Reason("x"), change: r => r.Headers.Add("Origin", "https://evil.test"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync("/x")).StatusCode);
    }

    [StoreFact]
    public async Task Who_may_see_and_end_others_sessions_may_not_yet_sign_everyone_out()
    {
        // The usual rules name administrators for sessions and audit only.
        await using var world = await World.StartAsync(fixture.Store);
        var root = await world.SignInAsync(Root);
        Assert.Equal(HttpStatusCode.OK, (await root.GetAsync("/api/sessions?all=true")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await root.OwnAsync(HttpMethod.Post, Api, Reason("x"))).StatusCode);
        Assert.DoesNotContain("Sign everyone out", await PageAsync(root), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task The_page_offers_it_to_those_alone_and_does_it_only_when_confirmed()
    {
        var (alice, root) = (await _world.SignInAsync(Alice), await _world.SignInAsync(Root));
        Assert.DoesNotContain("Sign everyone out", await PageAsync(alice), StringComparison.Ordinal);
        var page = await PageAsync(root);
        Assert.Contains("Sign everyone out", page, StringComparison.Ordinal);
        var form = new Dictionary<string, string>
        {
            ["token"] = TokenOf().Match(page).Groups[1].Value,
            ["action"] = "everyone",
            ["reason"] = "incident 11",
        };
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync(root, form));
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync("/x")).StatusCode);

        form["confirm"] = "everyone";
        Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(root, form));
        Assert.Null(root.SessionCookie);
        await DeadEverywhereAsync(alice);
    }

    private static async Task<HttpStatusCode> PostAsync(Browser browser, Dictionary<string, string> form) =>
        (await browser.OwnAsync(HttpMethod.Post, "/auth/sessions", new FormUrlEncodedContent(form))).StatusCode;

    private static async Task<string> PageAsync(Browser browser) => await (await browser.GetAsync("/auth/sessions")).Content.ReadAsStringAsync();

    private static async Task<long> RevokeAsync(Browser root, string reason)
    {
        var answer = await root.OwnAsync(HttpMethod.Post, Api, Reason(reason));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("position").GetInt64();
    }

    private async Task<long> HeadAsync() => long.Parse(
        (await fixture.Store.QueryAsync("select coalesce(max(position), 0) from eventauth.revocation"))[0][0],
        System.Globalization.CultureInfo.InvariantCulture);

    private async Task AskEverywhereAsync(Browser browser)
    {
        for (var i = 0; i < _world.Gateways.Count; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync("/x", i)).StatusCode);
        }
    }

    private async Task DeadEverywhereAsync(Browser browser)
    {
        for (var i = 0; i < _world.Gateways.Count; i++)
        {
            await Until.TrueAsync($"gateway {i} refuses", async () => (await browser.CallAsync("/x", i)).StatusCode == HttpStatusCode.Unauthorized);
        }
    }

    private static StringContent Reason(string reason) => new(JsonSerializer.Serialize(new { reason }), Encoding.UTF8, "application/json");

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, gateways: 2, settings: new Dictionary<string, string>
        {
            ["rules.4.path"] = "/api/everybody",
            ["rules.4.access"] = "restricted",
            ["rules.4.groups"] = "admins",
            ["rules.5.host"] = "localhost",
            ["rules.5.access"] = "authenticated",
        });
    }

    [GeneratedRegex("name=\"token\" value=\"([^\"]+)\"")]
    private static partial Regex TokenOf();
}
