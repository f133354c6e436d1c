using System.Diagnostics;
using System.Text;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace EventAuth.Adapters.Oidc;

/// <summary>
/// Discovery document and keys of one issuer, fetched when first needed, so that services start without the IdP.
/// How copies age, and what happens while the IdP is away, is written in <see cref="KeptDocument{T}"/>.
/// </summary>
public sealed class ProviderMetadata
{
    private static readonly TimeSpan DiscoveryFreshFor = TimeSpan.FromHours(1);
    private static readonly TimeSpan KeysFreshFor = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan DefaultRefetchInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly string _issuer;
    private readonly Uri? _source;
    private readonly HttpClient _http;
    private readonly TimeProvider _clock;
    private readonly KeptDocument<ProviderEndpoints> _endpoints;
    private readonly KeptDocument<ProviderKeys> _keys;

    /// <param name="source">Where the discovery document is; where the issuer's name leads to if null.</param>
    /// <param name="refetchInterval">Shortest time between two fetches for an unknown key id or after a failure; 30 s.</param>
    public ProviderMetadata(string issuer, HttpClient http, TimeProvider clock, Uri? source = null, TimeSpan? refetchInterval = null)
    {
        var pause = refetchInterval ?? DefaultRefetchInterval;
        (_issuer, _source, _http, _clock) = (issuer, source, http, clock);
        _endpoints = new KeptDocument<ProviderEndpoints>(FetchEndpointsAsync, DiscoveryFreshFor, pause, clock);
        _keys = new KeptDocument<ProviderKeys>(FetchKeysAsync, KeysFreshFor, pause, clock);
    }

    /// <summary>Where the IdP answers.</summary>
    /// <exception cref="ProviderUnavailableException">No copy, and none to be had.</exception>
    public Task<ProviderEndpoints> EndpointsAsync(CancellationToken ct) => _endpoints.GetAsync(ct);

    /// <summary>The keys of its tokens.</summary>
    /// <exception cref="ProviderUnavailableException">No copy, and none to be had.</exception>
    public Task<ProviderKeys> KeysAsync(CancellationToken ct) => _keys.GetAsync(ct);

    /// <summary>Keys for a token whose key is not among those seen; the same ones when asked again too soon.</summary>
    /// <exception cref="ProviderUnavailableException">They can't be had: the token may be good all the same.</exception>
    public Task<ProviderKeys> KeysNewerThanAsync(ProviderKeys seen, CancellationToken ct) => _keys.GetNewerThanAsync(seen, ct);

    private async Task<ProviderEndpoints> FetchEndpointsAsync()
    {
        var body = await FetchAsync(_source ?? new Uri(_issuer.TrimEnd('/') + "/.well-known/openid-configuration"));
        if (!StrictJson.TryParseObject(body, out _))
        {
            throw new ProviderUnavailableException("discovery_unreadable");
        }

        try
        {
            return ProviderEndpoints.Of(OpenIdConnectConfiguration.Create(Encoding.UTF8.GetString(body)), _issuer, _source);
        }
        catch (Exception e) when (e is not ProviderUnavailableException)
        {
            // The library documents no list of what it throws for members of the wrong type.
            throw new ProviderUnavailableException("discovery_unreadable");
        }
    }

    private async Task<ProviderKeys> FetchKeysAsync()
    {
        var endpoints = await _endpoints.GetAsync(CancellationToken.None);
        return ProviderKeys.Parse(await FetchAsync(endpoints.Keys)) ?? throw new ProviderUnavailableException("keys_unreadable");
    }

    private async Task<byte[]> FetchAsync(Uri uri)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.Accept.ParseAdd("application/json");
        return await ProviderHttp.SendAsync(_http, request, Timeout, _clock, CancellationToken.None) switch
        {
            HttpReply.Answer { Status: 200 } answer => answer.Body,
            HttpReply.Answer answer => throw new ProviderUnavailableException($"http_{answer.Status}", answer.RetryAfter),
            HttpReply.Failed failed => throw new ProviderUnavailableException(failed.Error),
            _ => throw new UnreachableException(),
        };
    }
}
