using System.Net;
using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Services.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventAuth.Services.Tests.Hosting;

/// <summary>When a service may be asked. No store is needed: these services wait for theirs in vain.</summary>
public sealed class ReadinessTests
{
    private static readonly HttpClient Http = new();
    private static readonly PostgresSettings Nowhere = new("Host=127.0.0.1;Port=1", "events", "own");

    [Fact]
    public async Task Told_to_stop_a_service_says_so_and_still_answers_for_a_while()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        var app = Build(clock, "30s");
        await using var _ = app;
        await app.StartAsync();
        var (open, operations) = (new Uri(app.Urls.First()), new Uri(new Uri(app.Urls.Last()), "/readyz"));

        var stopping = app.StopAsync();
        await Until.TrueAsync("it says that it stops", async () => (await TextAsync(operations)).Contains("\"shutdown\": \"stopping\"", StringComparison.Ordinal));
        using (var answer = await Http.GetAsync(open))
        {
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        }

        Assert.False(stopping.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(30));
        await stopping;
        await Assert.ThrowsAsync<HttpRequestException>(() => Http.GetAsync(open));
    }

    [Fact]
    public async Task The_store_is_required_before_anything_has_been_started()
    {
        await using var database = new Database(Nowhere);
        var state = new ServiceState();

        using var startup = new SchemaStartup(new Schema(database), state, TimeProvider.System, NullLogger<SchemaStartup>.Instance);

        Assert.Contains("store", state.Missing());
    }

    [Fact]
    public void Conditions_may_come_while_somebody_asks()
    {
        var state = new ServiceState();

        Parallel.For(0, 20_000, i =>
        {
            state.Require($"condition {i}", () => null);
            state.Show($"section {i}", () => null);
            if (i % 100 == 0)
            {
                Assert.Empty(state.Missing());
                state.Status();
            }
        });

        Assert.Equal(20_000, state.Status().Count);
    }

    private static async Task<string> TextAsync(Uri url)
    {
        using var answer = await Http.GetAsync(url);
        return await answer.Content.ReadAsStringAsync();
    }

    private static WebApplication Build(TimeProvider clock, string drain)
    {
        var settings = SettingsRules.Read(new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["publicUrl"] = "https://auth.example.test",
            ["listen.public"] = "http://127.0.0.1:0",
            ["listen.operations"] = "http://127.0.0.1:0",
            ["listen.drain"] = drain,
            ["postgres.connectionString"] = Nowhere.ConnectionString,
            ["providers.0.issuer"] = "https://idp.example.test",
            ["providers.0.clientId"] = "eventauth",
            ["providers.0.clientSecret"] = "secret",
            ["secrets.tokenKeys.0.id"] = "k1",
            ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(new byte[32]),
            ["log.level"] = "fatal",
        });
        return ServiceHost.Build(settings, clock, services => services.AddRouting(), app => app.Run(http =>
        {
            http.Response.StatusCode = (int)HttpStatusCode.NoContent;
            return Task.CompletedTask;
        }));
    }
}
