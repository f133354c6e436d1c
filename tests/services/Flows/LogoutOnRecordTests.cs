using System.Text.Json;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Flows;

/// <summary>A19: each logout that was obeyed can be found by the id that the IdP knows it by; those that were not, are counted.</summary>
public sealed class LogoutOnRecordTests(LogoutOnRecordTests.Setup setup) : IClassFixture<LogoutOnRecordTests.Setup>
{
    public sealed class Setup : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store);
    }

    private World World => setup.World;

    [StoreFact]
    public async Task A19_an_accepted_token_is_found_by_its_jti_with_the_sessions_that_it_ended()
    {
        var root = await World.SignInAsync(new StubUser("root") { Groups = ["admins"] });
        await World.SignInAsync(new StubUser("recorded"));
        await World.SignInAsync(new StubUser("recorded"));
        Assert.Equal(200, await SendAsync(World.Idp.LogoutToken("recorded", null, c => c["jti"] = "lt-on-record")));

        List<JsonElement> events = [];
        await Until.TrueAsync("the revocation and both ends are there", async () =>
            (events = await EventsAsync(root)).Count(e => CauseOf(e) == "lt-on-record") == 3);

        var revoked = events.Single(e => CauseOf(e) == "lt-on-record" && e.GetProperty("type").GetString() == "subject_revoked");
        var data = revoked.GetProperty("data");
        Assert.Equal((World.Idp.Issuer, "recorded"), (data.GetProperty("issuer").GetString(), data.GetProperty("sub").GetString()));
        Assert.True(data.GetProperty("position").GetInt64() > 0);
        Assert.Equal("lt-on-record", revoked.GetProperty("causation").GetString());
        var ends = events.Where(e => CauseOf(e) == "lt-on-record" && e.GetProperty("type").GetString() == "session_ended").ToList();
        Assert.All(ends, e => Assert.Equal(
            (revoked.GetProperty("id").GetString(), revoked.GetProperty("correlation").GetString()),
            (e.GetProperty("causation").GetString(), e.GetProperty("correlation").GetString())));
        Assert.Equal(2, ends.Select(e => e.GetProperty("stream").GetString()).Distinct().Count());
    }

    [StoreFact]
    public async Task A19_refused_tokens_are_counted_by_their_reason_and_leave_no_event()
    {
        var before = (await setup.Store.QueryAsync("select count(*) from eventauth_events.mt_events where type = 'subject_revoked'"))[0][0];
        Assert.Equal(400, await SendAsync(World.Idp.LogoutToken("refused", null, c => c["nonce"] = "n")));
        Assert.Equal(400, await SendAsync(World.Idp.LogoutToken("refused", null, c => c["aud"] = "another")));
        Assert.Equal(400, await SendAsync(World.Idp.LogoutToken("refused", null, c => c["aud"] = "another")));

        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(World.Logout.Operations, "/metrics"));
        Assert.Contains("eventauth_logout_tokens_total{outcome=\"refused_nonce\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("eventauth_logout_tokens_total{outcome=\"refused_aud\"} 2\n", metrics, StringComparison.Ordinal);
        Assert.Equal(before, (await setup.Store.QueryAsync("select count(*) from eventauth_events.mt_events where type = 'subject_revoked'"))[0][0]);
        Assert.Empty(await setup.Store.QueryAsync($"select 1 from eventauth_events.mt_events where stream_id = 'subject-{new Subject(World.Idp.Issuer, "refused").Key}'"));
    }

    private Task<int> SendAsync(string token) =>
        World.Idp.PostLogoutTokenAsync(new Uri(World.Logout.Public, "/backchannel-logout"), token, CancellationToken.None);

    private static string? CauseOf(JsonElement @event) =>
        @event.GetProperty("data").TryGetProperty("cause", out var cause) ? cause.GetString() : null;

    private static async Task<List<JsonElement>> EventsAsync(Browser root)
    {
        var page = await (await root.GetAsync("/api/audit/events?limit=1000")).Content.ReadAsStringAsync();
        return [.. JsonDocument.Parse(page).RootElement.GetProperty("events").EnumerateArray()];
    }
}
