using System.Net;
using System.Text;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Settings;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>An IdP that only publishes: discovery and whichever keys it is given, at its own (unreachable) name.</summary>
internal sealed class FixedIdp : HttpMessageHandler
{
    public const string Issuer = "https://op.example.test";
    public const string ClientId = "gateway-client";

    public static readonly DateTimeOffset Noon = DateTimeOffset.FromUnixTimeSeconds(1767225600);

    private readonly Queue<string> _keys;

    /// <param name="keys">Served one after the other; the last one for ever.</param>
    public FixedIdp(params string[] keys)
    {
        _keys = new Queue<string>(keys);
        Clock = new ManualClock(Noon);
        Settings = new ProviderSettings { Issuer = Issuer, ClientId = ClientId, ClientSecret = "s" };
    }

    public ManualClock Clock { get; }

    public ProviderSettings Settings { get; set; }

    public int KeyFetches { get; private set; }

    public List<Uri> Asked { get; } = [];

    /// <summary>Set: every request fails as if the network were gone.</summary>
    public bool Away { get; set; }

    /// <summary>Set: every request waits for it.</summary>
    public Task Slow { get; set; } = Task.CompletedTask;

    public ProviderMetadata NewMetadata() => new(Issuer, NewClient(), Clock);

    public TokenChecks NewChecks() => new(Settings, NewMetadata(), Clock);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Asked.Add(request.RequestUri!);
        await Slow.WaitAsync(cancellationToken);
        if (Away)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError);
        }

        var isKeys = request.RequestUri!.AbsolutePath == "/jwks";
        KeyFetches += isKeys ? 1 : 0;
        var body = isKeys ? (_keys.Count > 1 ? _keys.Dequeue() : _keys.Peek()) : $$"""
            {"issuer":"{{Issuer}}","jwks_uri":"{{Issuer}}/jwks","authorization_endpoint":"{{Issuer}}/a","token_endpoint":"{{Issuer}}/t"}
            """;
        return new HttpResponseMessage(HttpStatusCode.OK)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
    }

    private HttpClient NewClient() => new(this, disposeHandler: false);
}
