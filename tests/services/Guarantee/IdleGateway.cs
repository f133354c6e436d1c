using EventAuth.Adapters.Settings;
using EventAuth.Gateway;
using EventAuth.Gateway.Cache;
using EventAuth.Gateway.ForwardAuth;
using EventAuth.Services.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Guarantee;

/// <summary>
/// A gateway that was put together and not started: nobody reads the feed, so that a test says what is known and when. Asked
/// through its own objects, without sockets.
/// </summary>
internal sealed class IdleGateway(TimeProvider clock, string connectionString, params (string Path, string Value)[] changes)
    : IAsyncDisposable
{
    public const string Nowhere = "Host=127.0.0.1;Port=1;Username=none;Database=none";

    private readonly WebApplication _app = GatewayHost.Build(Settings(connectionString, changes), clock);

    public RevocationView View => _app.Services.GetRequiredService<RevocationView>();

    public SessionCache Cache => _app.Services.GetRequiredService<SessionCache>();

    public static EventAuthSettings Settings(string connectionString, params IEnumerable<(string Path, string Value)> changes)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["publicUrl"] = World.PublicUrl,
            ["listen.public"] = "http://127.0.0.1:0",
            ["listen.operations"] = "http://127.0.0.1:0",
            ["postgres.connectionString"] = connectionString,
            ["providers.0.issuer"] = "https://idp.test",
            ["providers.0.clientId"] = "test",
            ["providers.0.clientSecret"] = "test",
            ["secrets.tokenKeys.0.id"] = "k1",
            ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(new byte[32]),
            ["rules.0.host"] = "localhost",
            ["rules.0.path"] = "/public",
            ["rules.0.access"] = "public",
            ["rules.1.host"] = "localhost",
            ["rules.1.access"] = "authenticated",
            ["log.level"] = "fatal",
        };
        foreach (var (path, value) in changes)
        {
            values[path] = value;
        }

        return SettingsRules.Read(values);
    }

    /// <summary>The endpoint, with another one instead of some of the objects it is made of.</summary>
    public ForwardAuthEndpoint Endpoint(params object[] instead) =>
        ActivatorUtilities.CreateInstance<ForwardAuthEndpoint>(_app.Services, instead);

    /// <summary>Asks about a request; the answer's status is in it.</summary>
    public async Task<HttpResponse> AskAsync(string? cookie, string uri = "/x", ForwardAuthEndpoint? endpoint = null)
    {
        var http = new DefaultHttpContext();
        http.Connection.RemoteIpAddress = System.Net.IPAddress.Loopback;
        http.Request.Headers["X-Forwarded-Method"] = "GET";
        http.Request.Headers["X-Forwarded-Proto"] = "http";
        http.Request.Headers["X-Forwarded-Host"] = World.Host;
        http.Request.Headers["X-Forwarded-Uri"] = uri;
        http.Request.Headers.Accept = "application/json";
        if (cookie is not null)
        {
            http.Request.Headers.Cookie = $"eventauth={cookie}";
        }

        await (endpoint ?? Endpoint()).AnswerAsync(http);
        return http.Response;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
