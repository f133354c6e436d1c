using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Gateway.Pages;

public sealed partial class SessionsTests(SessionsTests.Fixture fixture) : IClassFixture<SessionsTests.Fixture>
{
    private static readonly StubUser Alice = new("alice", "alice@example.test", "Alice");
    private static readonly StubUser Root = new("root", "root@example.test", "Root") { Groups = ["admins"] };

    private readonly World _world = fixture.World;

    [StoreFact]
    public async Task Everybody_sees_their_own_sessions_and_no_others()
    {
        var (alice, _) = (await _world.SignInAsync(Alice), await _world.SignInAsync(Root));
        var list = await JsonAsync(await alice.GetAsync("/api/sessions"));
        Assert.All(list.GetProperty("sessions").EnumerateArray(), s => Assert.Equal("alice", s.GetProperty("sub").GetString()));
        Assert.Equal(HttpStatusCode.Forbidden, (await alice.GetAsync("/api/sessions?all=true")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await alice.GetAsync($"/api/sessions?subject={Key("root")}")).StatusCode);
    }

    [StoreFact]
    public async Task Whom_a_rule_names_sees_all_page_by_page()
    {
        var root = await _world.SignInAsync(Root);
        for (var i = 0; i < 3; i++)
        {
            await _world.SignInAsync(Alice);
        }

        var seen = new List<string>();
        var path = "/api/sessions?all=true&limit=2";
        while (path is not null)
        {
            var list = await JsonAsync(await root.GetAsync(path));
            seen.AddRange(list.GetProperty("sessions").EnumerateArray().Select(s => s.GetProperty("id").GetString()!));
            path = list.GetProperty("next").GetString() is { } next ? $"/api/sessions?all=true&limit=2&before={next}" : null;
        }

        Assert.True(seen.Count >= 4);
        Assert.Equal(seen.Count, seen.Distinct().Count());
    }

    [StoreFact]
    public async Task A_rule_for_everybody_makes_nobody_an_administrator()
    {
        // The application on the same host is open to all who are signed in; that must not open everybody's sessions.
        await using var world = await World.StartAsync(fixture.Store, settings: new Dictionary<string, string>
        {
            ["rules.2.path"] = "/elsewhere",
            ["rules.3.path"] = "/elsewhere",
        });
        world.Idp.SignInAs(Root);
        var root = world.NewBrowser();
        await root.OpenAsync("/x");
        Assert.Equal(HttpStatusCode.Forbidden, (await root.GetAsync("/api/sessions?all=true")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await root.GetAsync("/api/audit/events")).StatusCode);
    }

    [StoreTheory]
    [InlineData("groups", "admins")]
    [InlineData("emailDomains", "example.test")]
    public async Task A_rule_for_the_whole_host_makes_nobody_an_administrator_whomever_it_names(string list, string named)
    {
        await using var world = await World.StartAsync(fixture.Store, settings: new Dictionary<string, string>
        {
            ["rules.2.path"] = "/elsewhere",
            ["rules.3.path"] = "/elsewhere",
            ["rules.4.access"] = "restricted",
            [$"rules.4.{list}"] = named,
        });
        world.Idp.SignInAs(Root);
        var root = world.NewBrowser();
        Assert.Equal(HttpStatusCode.OK, (await root.OpenAsync("/x")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await root.GetAsync("/api/sessions?all=true")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await root.GetAsync("/api/audit/events")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await root.GetAsync("/revocations/1")).StatusCode);
    }

    [StoreFact]
    public async Task A_reason_holds_no_e_mail_address_because_the_record_is_never_erased()
    {
        var root = await _world.SignInAsync(Root);
        var answer = await root.OwnAsync(HttpMethod.Post, $"/api/subjects/{Key("alice")}/revoke", Reason("bob@example.test asked"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("Use a ticket number", (await JsonAsync(answer)).GetProperty("detail").GetString(), StringComparison.Ordinal);

        var page = await (await root.GetAsync("/auth/sessions")).Content.ReadAsStringAsync();
        var form = new FormUrlEncodedContent([new("token", TokenOf().Match(page).Groups[1].Value), new("action", "revoke"),
            new("subject", Key("alice").ToString()), new("reason", "bob@example.test asked")]);
        answer = await root.OwnAsync(HttpMethod.Post, "/auth/sessions", form);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("Use a ticket number", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task People_end_their_own_sessions_but_not_those_of_others()
    {
        var (here, there, mallory) = (await _world.SignInAsync(Alice), await _world.SignInAsync(Alice), await _world.SignInAsync(new StubUser("mallory")));
        var id = await IdAsync(there);
        Assert.Equal(HttpStatusCode.Forbidden, (await mallory.OwnAsync(HttpMethod.Delete, $"/api/sessions/{id}")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await mallory.OwnAsync(HttpMethod.Delete, $"/api/sessions/{new string('0', 32)}")).StatusCode);
        var done = await JsonAsync(await here.OwnAsync(HttpMethod.Delete, $"/api/sessions/{id}"));
        Assert.True(done.GetProperty("position").GetInt64() > 0);
        await DeadAsync(there);
        Assert.Equal(HttpStatusCode.OK, (await here.CallAsync("/x")).StatusCode);
    }

    [StoreFact]
    public async Task Whom_a_rule_names_ends_all_of_a_subject_with_a_reason_and_learns_the_position()
    {
        var (root, alice) = (await _world.SignInAsync(Root), await _world.SignInAsync(Alice));
        var path = $"/api/subjects/{Key("alice")}/revoke";
        Assert.Equal(HttpStatusCode.BadRequest, (await root.OwnAsync(HttpMethod.Post, path)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await root.OwnAsync(HttpMethod.Post, $"/api/subjects/{Key("nobody")}/revoke", Reason("gone"))).StatusCode);
        var done = await JsonAsync(await root.OwnAsync(HttpMethod.Post, path, Reason("stolen laptop")));
        Assert.True(done.GetProperty("position").GetInt64() > 0);
        await DeadAsync(alice);

        var audit = await JsonAsync(await root.GetAsync($"/api/audit/subjects/{Key("alice")}?limit=1000"));
        var revoked = audit.GetProperty("events").EnumerateArray().Single(e => e.GetProperty("type").GetString() == "subject_revoked");
        Assert.Equal("stolen laptop", revoked.GetProperty("data").GetProperty("cause").GetString());
        Assert.Equal(Key("root").ToString(), revoked.GetProperty("data").GetProperty("actor").GetString());
    }

    [StoreFact]
    public async Task Another_site_ends_nothing()
    {
        var alice = await _world.SignInAsync(Alice);
        var path = $"/api/sessions/{await IdAsync(alice)}";
        Assert.Equal(HttpStatusCode.Forbidden, (await alice.OwnAsync(HttpMethod.Delete, path, change: r => r.Headers.Add("Origin", "https://evil.test"))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await alice.OwnAsync(HttpMethod.Delete, path, change: r => r.Headers.Add("Sec-Fetch-Site", "cross-site"))).StatusCode);
        var plain = new StringContent("{\"reason\":\"x\"}", Encoding.UTF8, "text/plain");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await alice.OwnAsync(HttpMethod.Post, path + "/end", plain)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync("/x")).StatusCode);
    }

    [StoreFact]
    public async Task Without_a_session_the_api_answers_401_with_a_code()
    {
        foreach (var path in new[] { "/api/sessions", "/api/audit/events", $"/api/audit/subjects/{Key("alice")}" })
        {
            var answer = await _world.NewBrowser().GetAsync(path);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            Assert.Equal("unauthenticated", (await JsonAsync(answer)).GetProperty("code").GetString());
        }
    }

    [StoreFact]
    public async Task Lines_of_json_are_to_be_had()
    {
        var alice = await _world.SignInAsync(Alice);
        var answer = await alice.GetAsync("/api/sessions", change: r => r.Headers.Add("Accept", "application/x-ndjson"));
        var lines = (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, l => Assert.Equal(32, JsonDocument.Parse(l).RootElement.GetProperty("id").GetString()!.Length));
    }

    [StoreFact]
    public async Task The_page_ends_all_other_sessions_and_keeps_this_one()
    {
        var bob = new StubUser("bob");
        var (here, there) = (await _world.SignInAsync(bob), await _world.SignInAsync(bob));
        var page = await (await here.GetAsync("/auth/sessions")).Content.ReadAsStringAsync();
        Assert.Contains("this one", page, StringComparison.Ordinal);
        var form = new FormUrlEncodedContent([new("token", TokenOf().Match(page).Groups[1].Value), new("action", "others")]);
        Assert.Equal(HttpStatusCode.SeeOther, (await here.OwnAsync(HttpMethod.Post, "/auth/sessions", form)).StatusCode);
        await DeadAsync(there);
        Assert.Equal(HttpStatusCode.OK, (await here.CallAsync("/x")).StatusCode);
    }

    [StoreFact]
    public async Task The_page_finds_somebody_by_e_mail_for_those_whom_a_rule_names()
    {
        var (root, alice) = (await _world.SignInAsync(Root), await _world.SignInAsync(Alice));
        var found = await (await root.GetAsync("/auth/sessions?user=ALICE@example.test")).Content.ReadAsStringAsync();
        Assert.Contains(await IdAsync(alice), found, StringComparison.Ordinal);
        Assert.Contains("End everything of Alice", found, StringComparison.Ordinal);
        var own = await (await alice.GetAsync("/auth/sessions?user=root")).Content.ReadAsStringAsync();
        Assert.DoesNotContain("root@example.test", own, StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task A_form_without_the_token_ends_nothing()
    {
        var alice = await _world.SignInAsync(Alice);
        var form = new FormUrlEncodedContent([new("action", "end"), new("id", await IdAsync(alice))]);
        Assert.Equal(HttpStatusCode.Forbidden, (await alice.OwnAsync(HttpMethod.Post, "/auth/sessions", form)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync("/x")).StatusCode);
    }

    private static async Task<string> IdAsync(Browser browser) =>
        (await JsonAsync(await browser.GetAsync("/api/sessions"))).GetProperty("sessions").EnumerateArray()
            .Single(s => s.GetProperty("current").GetBoolean()).GetProperty("id").GetString()!;

    private static Task DeadAsync(Browser browser) => Until.TrueAsync("the session is dead",
        async () => (await browser.CallAsync("/x")).StatusCode == HttpStatusCode.Unauthorized);

    private SubjectKey Key(string sub) => new Subject(_world.Idp.Issuer, sub).Key;

    private static StringContent Reason(string reason) =>
        new(JsonSerializer.Serialize(new { reason }), Encoding.UTF8, "application/json");

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer) =>
        JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store);
    }

    [GeneratedRegex("name=\"token\" value=\"([^\"]+)\"")]
    private static partial Regex TokenOf();
}
