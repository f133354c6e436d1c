using System.Text.Json;
using EventAuth.Adapters.Settings;

namespace EventAuth.Adapters.Oidc;

/// <summary>One IdP and everything we have to speak with it.</summary>
public sealed record RegisteredProvider(
    ProviderSettings Settings, ProviderMetadata Metadata, ProviderClient Client, TokenChecks Checks);

/// <summary>The IdPs of the settings, found by issuer, byte for byte.</summary>
public sealed class ProviderDirectory : IDisposable
{
    private readonly Dictionary<string, RegisteredProvider> _byIssuer;
    private readonly List<HttpClient> _connections;

    private ProviderDirectory(IReadOnlyList<RegisteredProvider> all, List<HttpClient> connections)
    {
        All = all;
        _connections = connections;
        _byIssuer = all.ToDictionary(p => p.Settings.Issuer, StringComparer.Ordinal);
    }

    /// <summary>All of them, in the order of the settings.</summary>
    public IReadOnlyList<RegisteredProvider> All { get; }

    /// <summary>Where people sign in who did not choose: the first.</summary>
    public RegisteredProvider Default => All[0];

    /// <summary>Sets up the providers; nothing is asked of any of them yet.</summary>
    /// <param name="handlers">Makes the handler of each provider's connections; <see cref="ProviderHttp.NewHandler"/> by default.</param>
    public static ProviderDirectory Build(
        IReadOnlyList<ProviderSettings> settings, TimeProvider clock, Func<HttpMessageHandler>? handlers = null)
    {
        var connections = new List<HttpClient>();
        var providers = settings.Select(s =>
        {
            // Each call has its own time limit.
            var http = new HttpClient((handlers ?? ProviderHttp.NewHandler)()) { Timeout = Timeout.InfiniteTimeSpan };
            connections.Add(http);
            var metadata = new ProviderMetadata(s.Issuer, http, clock, s.MetadataUrl);
            var checks = new TokenChecks(s, metadata, clock);
            return new RegisteredProvider(s, metadata, new ProviderClient(s, metadata, checks, http, clock), checks);
        });
        return new ProviderDirectory([.. providers], connections);
    }

    /// <summary>Where people sign in for a host: the first provider that names it, else <see cref="Default"/>.</summary>
    public RegisteredProvider ForHost(string host) => All.FirstOrDefault(p => p.Settings.Hosts.Any(h => Covers(h, host))) ?? Default;

    /// <summary>The provider of an issuer, or null.</summary>
    public RegisteredProvider? Find(string? issuer) => issuer is null ? null : _byIssuer.GetValueOrDefault(issuer);

    /// <summary>
    /// Checks a logout token of whichever provider it names. The name is not believed: it only says whose keys must
    /// have signed it, and is compared again after the signature.
    /// </summary>
    public async Task<LogoutTokenCheck> CheckLogoutTokenAsync(string? token, CancellationToken ct)
    {
        var algorithms = All.SelectMany(p => p.Settings.SigningAlgorithms).Distinct(StringComparer.Ordinal).ToList();
        return StrictJws.Parse(token, algorithms) switch
        {
            JwsParse.Refused refused => new LogoutTokenCheck.Refused(refused.Rule, refused.Description),
            JwsParse.Parsed parsed when Find(IssuerOf(parsed.Jws)) is { } provider => await provider.Checks.LogoutTokenAsync(token, ct),
            _ => new LogoutTokenCheck.Refused("iss", "the token is of an issuer we don't know"),
        };
    }

    /// <inheritdoc />
    public void Dispose() => _connections.ForEach(c => c.Dispose());

    private static bool Covers(string pattern, string host) => pattern.StartsWith("*.", StringComparison.Ordinal)
        ? host.Length > pattern.Length - 1 && host.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase)
        : host.Equals(pattern, StringComparison.OrdinalIgnoreCase);

    private static string? IssuerOf(ParsedJws jws) =>
        jws.UnverifiedPayload.TryGetProperty("iss", out var issuer) && issuer.ValueKind == JsonValueKind.String ? issuer.GetString() : null;
}
