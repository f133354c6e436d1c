using System.Net;
using System.Net.Http.Headers;
using System.Text;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Logout;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.AspNetCore.Builder;

namespace EventAuth.Services.Tests.Logout;

/// <summary>One IdP and replicas of the logout service over one store.</summary>
internal sealed class LogoutWorld : IAsyncDisposable
{
    private readonly List<WebApplication> _replicas = [];

    private LogoutWorld(StubProvider idp) => Idp = idp;

    public StubProvider Idp { get; }

    public List<Uri> Webhooks { get; } = [];

    public List<Uri> Operations { get; } = [];

    public HttpClient Http { get; } = new(new SocketsHttpHandler { UseCookies = false });

    public static async Task<LogoutWorld> StartAsync(
        LiveStore store, int replicas = 1, PostgresSettings? postgres = null, params (string Key, string Value)[] settings)
    {
        var world = new LogoutWorld(await StubProvider.StartAsync());
        for (var i = 0; i < replicas; i++)
        {
            var app = LogoutService.Build(SettingsFor(world.Idp, postgres ?? store.Settings, i, settings), TimeProvider.System);
            await app.StartAsync();
            world._replicas.Add(app);
            world.Webhooks.Add(new Uri(new Uri(app.Urls.First()), "/backchannel-logout"));
            world.Operations.Add(new Uri(app.Urls.Last()));
            await world.ReadyAsync(app, postgres is null);
        }

        return world;
    }

    public Subject Person(string sub) => new(Idp.Issuer, sub);

    /// <summary>Posts a token in the usual form.</summary>
    public Task<HttpResponseMessage> PostAsync(string token, int replica = 0) =>
        Http.PostAsync(Webhooks[replica], new FormUrlEncodedContent([new("logout_token", token)]));

    /// <summary>Posts any body.</summary>
    public Task<HttpResponseMessage> PostAsync(string body, string? contentType, string query = "") =>
        PostAsync(new ByteArrayContent(Encoding.UTF8.GetBytes(body)), contentType, query);

    public Task<HttpResponseMessage> PostAsync(HttpContent content, string? contentType, string query = "")
    {
        content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);
        return Http.PostAsync(new Uri(Webhooks[0] + query), content);
    }

    /// <summary>The status of a token's answer.</summary>
    public async Task<HttpStatusCode> SendAsync(string token, int replica = 0)
    {
        using var answer = await PostAsync(token, replica);
        AssertHeaders(answer);
        return answer.StatusCode;
    }

    /// <summary>What every answer of the webhook has and has not.</summary>
    public static void AssertHeaders(HttpResponseMessage answer)
    {
        Assert.True(answer.Headers.CacheControl?.NoStore, "every answer is no-store");
        Assert.DoesNotContain(answer.Headers, h => h.Key == "Set-Cookie"
            || h.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Loads the frame as a browser on the IdP's page does.</summary>
    public Task<HttpResponseMessage> FrameAsync(string? issuer, string? sid, int replica = 0)
    {
        var parameters = new[] { ("iss", issuer), ("sid", sid) }.Where(p => p.Item2 is not null);
        return FrameAsync("?" + string.Join('&', parameters.Select(p => $"{p.Item1}={Uri.EscapeDataString(p.Item2!)}")), replica);
    }

    public Task<HttpResponseMessage> FrameAsync(string query, int replica = 0) =>
        Http.GetAsync(new Uri(Webhooks[replica], "/frontchannel-logout" + query));

    /// <summary>A count among the metrics, by its name and label; 0 when it was never counted.</summary>
    public async Task<long> CountedAsync(string name, string outcome, int replica = 0)
    {
        var line = $"{name}{{outcome=\"{outcome}\"}} ";
        var text = await Http.GetStringAsync(new Uri(Operations[replica], "/metrics"));
        return text.Split('\n').Where(l => l.StartsWith(line, StringComparison.Ordinal))
            .Select(l => long.Parse(l[line.Length..], System.Globalization.CultureInfo.InvariantCulture)).SingleOrDefault();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _replicas)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        Http.Dispose();
        await Idp.DisposeAsync();
    }

    private async Task ReadyAsync(WebApplication app, bool withStore)
    {
        var readyz = new Uri(new Uri(app.Urls.Last()), "/readyz");
        await Until.TrueAsync("the logout service is ready", async () =>
        {
            using var answer = await Http.GetAsync(readyz);
            return answer.IsSuccessStatusCode || !withStore;
        });
    }

    private static EventAuthSettings SettingsFor(
        StubProvider idp, PostgresSettings postgres, int replica, (string Key, string Value)[] more)
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["publicUrl"] = "http://localhost:8080",
            ["instance"] = $"logout-{replica}",
            ["listen.public"] = "http://127.0.0.1:0",
            ["listen.operations"] = "http://127.0.0.1:0",
            ["postgres.connectionString"] = postgres.ConnectionString,
            ["postgres.schema"] = postgres.Schema,
            ["postgres.eventSchema"] = postgres.EventSchema,
            ["providers.0.issuer"] = idp.Issuer,
            ["providers.0.clientId"] = idp.Options.ClientId,
            ["providers.0.clientSecret"] = idp.Options.ClientSecret,
            ["secrets.tokenKeys.0.id"] = "k1",
            ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(new byte[32]),
            ["log.level"] = "error",
        };
        Array.ForEach(more, s => settings[s.Key] = s.Value);
        return SettingsRules.Read(settings);
    }
}
