using System.Net;
using System.Text.Json;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Gateway.Audit;

public sealed class AuditTests(AuditTests.Fixture fixture) : IClassFixture<AuditTests.Fixture>
{
    private readonly World _world = fixture.World;

    [StoreFact]
    public async Task A_session_tells_its_story_to_its_owner_and_to_whom_a_rule_names()
    {
        var (alice, root, mallory) = (
            await _world.SignInAsync(new StubUser("alice")),
            await _world.SignInAsync(new StubUser("root") { Groups = ["admins"] }),
            await _world.SignInAsync(new StubUser("mallory")));
        var path = $"/api/audit/sessions/{await IdAsync(alice)}";
        foreach (var reader in new[] { alice, root })
        {
            var story = await JsonAsync(await reader.GetAsync(path));
            var first = story.GetProperty("events")[0];
            Assert.Equal("session_issued", first.GetProperty("type").GetString());
            Assert.StartsWith("login:", first.GetProperty("causation").GetString(), StringComparison.Ordinal);
            Assert.Equal("alice", first.GetProperty("data").GetProperty("sub").GetString());
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await mallory.GetAsync(path)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await root.GetAsync($"/api/audit/sessions/{new string('0', 32)}")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await root.GetAsync("/api/audit/sessions/x")).StatusCode);
    }

    [StoreFact]
    public async Task All_events_are_read_page_by_page_without_a_gap()
    {
        var root = await _world.SignInAsync(new StubUser("root") { Groups = ["admins"] });
        for (var i = 0; i < 3; i++)
        {
            await _world.SignInAsync(new StubUser("alice"));
        }

        var (positions, after) = (new List<long>(), 0L);
        for (var more = true; more;)
        {
            var page = await JsonAsync(await root.GetAsync($"/api/audit/events?after={after}&limit=2"));
            positions.AddRange(page.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("position").GetInt64()));
            after = page.GetProperty("next").GetInt64();
            more = page.GetProperty("more").GetBoolean();
        }

        Assert.Equal(positions.Order(), positions);
        Assert.True(positions.Count >= 4);
        var lines = await root.GetAsync("/api/audit/events?limit=1", change: r => r.Headers.Add("Accept", "application/x-ndjson"));
        Assert.Equal("application/x-ndjson", lines.Content.Headers.ContentType!.MediaType);
        Assert.Contains("rel=\"next\"", lines.Headers.GetValues("Link").Single(), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task A_page_ends_before_a_hole_that_an_open_transaction_may_still_fill()
    {
        // A reader that goes on after the last position would miss whatever commits later with a smaller one.
        var services = _world.Gateways[0].Services;
        var (queries, database) = (services.GetRequiredService<AuditQueries>(), services.GetRequiredService<Database>());
        var settled = (await queries.AllAsync(0, 1000, CancellationToken.None)).Next;

        await using var connection = await database.Source.OpenConnectionAsync();
        await using var open = await connection.BeginTransactionAsync();
        await AppendAsync(connection, database, "login-open");
        await services.GetRequiredService<IEventStore>().RecordAsync("login-later", "login",
            new LoginRefused(DateTimeOffset.UnixEpoch, "i", "later", "later"), null, CancellationToken.None);

        Assert.Equal(settled, (await queries.AllAsync(settled, 1000, CancellationToken.None)).Next);
        await open.CommitAsync();
        var page = await queries.AllAsync(settled, 1000, CancellationToken.None);
        Assert.Equal(["login-open", "login-later"], page.Events.Select(e => e.Stream));
    }

    private static async Task AppendAsync(Npgsql.NpgsqlConnection connection, Database database, string stream)
    {
        var @event = new LoginRefused(DateTimeOffset.UnixEpoch, "i", "open", "open");
        await using var command = new Npgsql.NpgsqlCommand(database.Sql("select {own}.append($1, $2, $3, $4, $5, $6, $7, null, null)"), connection);
        foreach (var value in new object[]
        {
            stream, "login", -1L, new[] { Guid.CreateVersion7() }, new[] { EventNames.Of(@event) },
            new[] { EventNames.DotNetType(@event) }, new[] { EventNames.ToJson(@event) },
        })
        {
            command.Parameters.Add(new Npgsql.NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> IdAsync(Browser browser) =>
        (await JsonAsync(await browser.GetAsync("/api/sessions"))).GetProperty("sessions").EnumerateArray()
            .Single(s => s.GetProperty("current").GetBoolean()).GetProperty("id").GetString()!;

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer) =>
        JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store);
    }
}
