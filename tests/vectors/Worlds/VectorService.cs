using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using EventAuth.Adapters.Settings;
using EventAuth.Vectors.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Vectors.Worlds;

/// <summary>One of our services in this process, as its settings make it, reached over HTTP.</summary>
internal sealed class VectorService : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);
    private readonly WebApplication _app;
    private readonly OutgoingCalls _calls;

    private VectorService(WebApplication app, EventAuthSettings settings, OutgoingCalls calls) => (_app, Settings, _calls) = (app, settings, calls);

    public EventAuthSettings Settings { get; }

    public Uri Address => new(_app.Urls.First());

    /// <exception cref="SettingsException">A setting is unknown or impossible.</exception>
    /// <exception cref="InvalidOperationException">The service did not get ready.</exception>
    public static async Task<VectorService> StartAsync(
        OutgoingCalls calls, VectorStore store, IReadOnlyDictionary<string, string> own, TimeProvider clock,
        Func<EventAuthSettings, TimeProvider, WebApplication> build, Func<EventAuthSettings, EventAuthSettings>? change = null)
    {
        var values = Defaults(store.Settings);
        foreach (var (key, value) in own)
        {
            values[key] = value;
        }

        var settings = SettingsRules.Read(values);
        settings = change?.Invoke(settings) ?? settings;
        var service = new VectorService(build(settings, clock), settings, calls);
        await service._app.StartAsync();
        await service.ReadyAsync();
        return service;
    }

    public T Get<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>Sends a request so that the calls it leads to are seen.</summary>
    public Task<WireAnswer> SendAsync(WireRequest request, CancellationToken ct) =>
        Wire.SendAsync(Address, request.With(_calls.Header.Name, _calls.Header.Value), ct);

    /// <summary>The settings that name an IdP.</summary>
    public static Dictionary<string, string> ProviderOf(VectorIdp idp, string clientId, string secret) => new()
    {
        ["providers.0.issuer"] = idp.Issuer,
        ["providers.0.metadataUrl"] = idp.MetadataUrl.ToString(),
        ["providers.0.clientId"] = clientId,
        ["providers.0.clientSecret"] = secret,
    };

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task ReadyAsync()
    {
        var since = Stopwatch.GetTimestamp();
        while ((await Wire.SendAsync(new Uri(_app.Urls.Last()), new WireRequest("GET", "/readyz"), default)).Status != (int)HttpStatusCode.OK)
        {
            if (Stopwatch.GetElapsedTime(since) > ReadyLimit)
            {
                throw new InvalidOperationException("the service did not get ready");
            }

            await Task.Delay(20);
        }
    }

    private static Dictionary<string, string> Defaults(PostgresSettings store) => new(StringComparer.OrdinalIgnoreCase)
    {
        ["publicUrl"] = "https://gateway.example.test",
        ["instance"] = "vectors",
        ["listen.public"] = "http://127.0.0.1:0",
        ["listen.operations"] = "http://127.0.0.1:0",
        ["listen.inlineScheduling"] = "false",
        ["listen.drain"] = "0s",
        ["postgres.connectionString"] = store.ConnectionString,
        ["postgres.schema"] = store.Schema,
        ["postgres.eventSchema"] = store.EventSchema,
        ["revalidation.interval"] = "0s",
        ["secrets.tokenKeys.0.id"] = "k1",
        ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)),
        ["log.level"] = "fatal",
    };
}
