using System.Buffers.Text;
using System.Net;
using System.Text.Json;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Compose;

/// <summary>What is written down tells the whole story, to whom it may, and nothing that must not be kept.</summary>
[Collection(Nginx.Collection)]
public sealed class TheRecordTests(Nginx edge)
{
    private ComposeWorld World => edge.World;

    [ComposeFact]
    public async Task The_audit_tells_an_administrator_how_a_session_began_changed_and_ended_and_nobody_else()
    {
        using var alice = World.NewBrowser();
        await alice.SignInAsync("alice");
        using var bob = World.NewBrowser();
        await bob.SignInAsync("bob");
        var session = await bob.SessionIdAsync();
        await World.Idp.SetGroupsAsync("bob", "staff", "night");
        await StoryOf(alice, session, until: "session_claims_changed");
        await World.Idp.SetGroupsAsync("bob", "staff");

        await Revocation.AtTheIdpAsync(bob, World);
        var story = await StoryOf(alice, session, until: "session_ended");

        Assert.Equal("session_issued", story[0]);
        Assert.Contains("session_refreshed", story);
        Assert.Equal("session_ended", story[^1]);
        using var other = World.NewBrowser();
        await other.SignInAsync("bob");
        Assert.Equal(HttpStatusCode.Forbidden, (await other.CallAsync("/api/audit/events")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.CallAsync("/api/audit/events")).Status);
    }

    // A backup, a replica or an operator's query must be worth nothing to a thief, and a person must be erasable by
    // deleting one row.
    [ComposeFact]
    public async Task No_table_and_no_log_holds_a_cookie_and_an_e_mail_address_stands_in_one_table_only()
    {
        using var alice = World.NewBrowser();
        await alice.SignInAsync("alice");
        await alice.CallAsync("/");
        var cookie = alice.SessionCookie!;
        var raw = Convert.ToHexStringLower(Base64Url.DecodeFromChars(cookie));

        foreach (var table in await World.QueryAsync("""
            select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')
            """))
        {
            var dump = string.Join('\n', await World.QueryAsync($"select t::text from {table} t"));
            Assert.False(dump.Contains(cookie, StringComparison.Ordinal), $"{table} holds a cookie");
            Assert.False(dump.Contains(raw, StringComparison.OrdinalIgnoreCase), $"{table} holds a cookie's bytes");
            Assert.True(table == "eventauth.subject" == dump.Contains("@example.test", StringComparison.OrdinalIgnoreCase), $"e-mail in {table}");
        }

        foreach (var log in Directory.GetFiles(World.Logs))
        {
            var text = await File.ReadAllTextAsync(log);
            Assert.False(text.Contains(cookie, StringComparison.Ordinal), $"{log} holds a cookie");
            Assert.False(text.Contains("@example.test", StringComparison.OrdinalIgnoreCase), $"e-mail in {log}");
        }
    }

    private static async Task<List<string>> StoryOf(ScriptedBrowser reader, string session, string until)
    {
        List<string> types = [];
        await Until.TrueAsync($"the record of the session has {until}", async () =>
        {
            var answer = await reader.CallAsync($"/api/audit/sessions/{session}?limit=1000");
            types = [.. Json(answer).GetProperty("events").EnumerateArray().Select(e => e.GetProperty("type").GetString()!)];
            return types.Contains(until);
        });
        return types;
    }

    private static JsonElement Json(Answer answer) => JsonDocument.Parse(answer.Text).RootElement;
}
