using System.Buffers.Text;
using System.Net;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Gateway;
using EventAuth.Gateway.Cache;
using EventAuth.Gateway.ForwardAuth;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;

namespace EventAuth.Bench;

/// <summary>The whole way of a known session through the gateway's own objects, without sockets and without a database.</summary>
internal sealed class VerifyBench
{
    private readonly DefaultHttpContext[] _requests;
    private readonly ForwardAuthEndpoint _endpoint;
    private readonly AccessResponse _response;
    private int _turn;

    /// <param name="tokens">The persons bring access tokens instead of cookies.</param>
    public VerifyBench(byte[][] secrets, TokenSource? tokens = null)
    {
        var app = GatewayHost.Build(Settings(tokens), TimeProvider.System);
        _endpoint = app.Services.GetRequiredService<ForwardAuthEndpoint>();
        _response = app.Services.GetRequiredService<AccessResponse>();
        var cache = app.Services.GetRequiredService<SessionCache>();
        Array.ForEach(secrets, secret => Remember(cache, SessionId.OfSecret(secret)));
        _requests = [.. secrets.Select(s => tokens is null ? Request($"theme=dark; __Host-eventauth={Base64Url.EncodeToString(s)}", null) : Request("theme=dark", tokens.Next()))];
        View = app.Services.GetRequiredService<RevocationView>();
    }

    private RevocationView View { get; }

    public int Verify()
    {
        // In a running gateway the feed keeps the lease; here nobody reads one.
        View.Completed(TimeProvider.System.GetTimestamp(), 1);
        var http = Next();
        _endpoint.AnswerAsync(http).GetAwaiter().GetResult();
        return http.Response.StatusCode == StatusCodes.Status200OK ? 1 : throw new InvalidOperationException($"{http.Response.StatusCode}");
    }

    public int AnswerOnly()
    {
        var http = Next();
        _response.Allow(http, null);
        return http.Response.StatusCode;
    }

    private DefaultHttpContext Next()
    {
        var http = _requests[_turn++ & (_requests.Length - 1)];
        http.Response.Headers.Clear();
        return http;
    }

    private static DefaultHttpContext Request(string cookie, string? token)
    {
        var http = new DefaultHttpContext();
        http.Connection.RemoteIpAddress = IPAddress.Loopback;
        http.Request.Headers["X-Forwarded-Method"] = "GET";
        http.Request.Headers["X-Forwarded-Proto"] = "https";
        http.Request.Headers["X-Forwarded-Host"] = "app.test";
        http.Request.Headers["X-Forwarded-Uri"] = "/some/page?x=1";
        http.Request.Headers.UserAgent = "Mozilla/5.0";
        http.Request.Headers.Accept = "text/html";
        http.Request.Headers.Cookie = cookie;
        http.Request.Headers.Authorization = token is null ? default : new StringValues($"Bearer {token}");
        return http;
    }

    private static void Remember(SessionCache cache, SessionId id)
    {
        var far = DateTimeOffset.MaxValue.ToUnixTimeSeconds();
        var person = new Identity
        {
            SubjectKey = new Subject("https://idp.test", id.ToString()).Key,
            Issuer = "https://idp.test",
            Sub = id.ToString(),
            Email = $"{id}@example.test",
            Groups = ["staff", "guests"],
        };
        cache.Put(new CachedSession
        {
            Id = id.Value,
            SubjectKey = person.SubjectKey.Value,
            Version = 1,
            ExpiresAt = far,
            AccessExpiresAt = far,
        }, new CachedIdentity(id.Value, person));
    }

    private static EventAuthSettings Settings(TokenSource? tokens) => SettingsRules.Read(new Dictionary<string, string>(tokens?.Settings ?? [])
    {
        ["publicUrl"] = "https://auth.test",
        ["listen.public"] = "http://127.0.0.1:0",
        ["listen.operations"] = "http://127.0.0.1:0",
        ["postgres.connectionString"] = "Host=127.0.0.1;Port=1;Username=none;Database=none",
        ["providers.0.issuer"] = "https://idp.test",
        ["providers.0.clientId"] = "bench",
        ["providers.0.clientSecret"] = "bench",
        ["secrets.tokenKeys.0.id"] = "k1",
        ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(new byte[32]),
        ["rules.0.host"] = "app.test",
        ["rules.0.groups"] = "staff",
        ["log.level"] = "error",
    });
}
