using System.Text.Json;
using EventAuth.Adapters.Settings;

namespace EventAuth.Adapters.Oidc;

/// <summary>
/// Asks an issuer about a token (RFC 7662, 2.1), as a protected resource with credentials of its own. Every answer but
/// 200 with a JSON object means that it could not be asked; after one, nobody waits for the next second.
/// </summary>
public sealed class IntrospectionClient(IntrospectionSettings settings, HttpClient http, TimeProvider clock)
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private long? _failedAt;

    /// <summary>What the issuer says.</summary>
    /// <exception cref="ProviderUnavailableException">It could not be asked: the token may be good all the same.</exception>
    public async Task<JsonElement> AskAsync(string token, CancellationToken ct)
    {
        lock (_lock)
        {
            if (_failedAt is { } at && clock.GetElapsedTime(at) < Rest)
            {
                throw new ProviderUnavailableException("introspection_resting", Rest);
            }
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, settings.Endpoint);
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.Authorization = ProviderRequests.Basic(settings.ClientId, settings.ClientSecret);
        request.Content = new FormUrlEncodedContent([new("token", token), new("token_type_hint", "access_token")]);
        var reply = await ProviderHttp.SendAsync(http, request, settings.Timeout, clock, ct);
        var claims = reply is HttpReply.Answer { Status: 200, Json: { } json } ? json : (JsonElement?)null;
        lock (_lock)
        {
            _failedAt = claims is null ? clock.GetTimestamp() : null;
        }

        return claims ?? throw (reply switch
        {
            HttpReply.Answer answer => new ProviderUnavailableException($"introspection_http_{answer.Status}", answer.RetryAfter),
            HttpReply.Failed failed => new ProviderUnavailableException($"introspection_{failed.Error}"),
            _ => new ProviderUnavailableException("introspection"),
        });
    }
}
