using System.Diagnostics;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Bearer;

namespace EventAuth.Adapters.Oidc;

/// <summary>What came of checking the text of an access token.</summary>
public abstract record AccessTokenCheck
{
    private AccessTokenCheck() { }

    /// <summary>It is good.</summary>
    public sealed record Accepted(string Issuer, AccessTokenClaims Claims) : AccessTokenCheck;

    /// <summary>It is not; the description holds no part of the token.</summary>
    public sealed record Refused(string Rule, string Description) : AccessTokenCheck;

    /// <summary>It may be good, but keys or the issuer's word can't be had.</summary>
    public sealed record Unavailable(string Error, TimeSpan? RetryAfter) : AccessTokenCheck;
}

/// <summary>
/// Access tokens of all issuers of the settings: form (<see cref="StrictJws"/>) → the issuer it names, whose keys must have
/// signed it → rules of the domain. What is no JWT is asked about at the one issuer with introspection, if there is one.
/// </summary>
public sealed class AccessTokenChecks : IDisposable
{
    private readonly Dictionary<string, Issuer> _issuers;
    private readonly Issuer? _introspecting;
    private readonly string[] _algorithms;
    private readonly TimeProvider _clock;
    private readonly HttpClient _http;

    /// <param name="providers">An issuer that is one of these shares its documents.</param>
    public AccessTokenChecks(BearerSettings settings, ProviderDirectory providers, TimeProvider clock)
    {
        _clock = clock;
        _http = new HttpClient(ProviderHttp.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        _issuers = settings.Issuers.ToDictionary(
            s => s.Expected.Issuer, s => new Issuer(s, KeysOf(s, providers), IntrospectionOf(s)), StringComparer.Ordinal);
        _introspecting = _issuers.Values.FirstOrDefault(i => i.Introspection is not null);
        _algorithms = [.. settings.Issuers.SelectMany(s => s.SigningAlgorithms).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Checks a token. No input makes it throw.</summary>
    public async Task<AccessTokenCheck> CheckAsync(string token, CancellationToken ct)
    {
        try
        {
            return StrictJws.Parse(token, _algorithms) switch
            {
                JwsParse.Refused { Rule: "form" } when _introspecting is { } issuer && IsToken(token) => await AskAsync(issuer, token, ct),
                JwsParse.Refused refused => new AccessTokenCheck.Refused(refused.Rule, refused.Description),
                JwsParse.Parsed parsed when _issuers.GetValueOrDefault(IssuerOf(parsed.Jws)) is { } issuer => await CheckAsync(issuer, token, ct),
                _ => new AccessTokenCheck.Refused("iss", "the token is of an issuer that is not accepted here"),
            };
        }
        catch (ProviderUnavailableException e)
        {
            return new AccessTokenCheck.Unavailable(e.Error, e.RetryAfter);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private async Task<AccessTokenCheck> CheckAsync(Issuer issuer, string token, CancellationToken ct)
    {
        // Again, with this issuer's own algorithms.
        var result = await issuer.Keys.VerifyAsync(StrictJws.Parse(token, issuer.Settings.SigningAlgorithms), ct);
        if (result is not JwsResult.Verified jws)
        {
            var refused = (JwsResult.Refused)result;
            return new AccessTokenCheck.Refused(refused.Rule, refused.Description);
        }

        var check = Answer(issuer, AccessTokenRules.Check(jws.Header, jws.Payload, issuer.Settings.Expected, _clock.GetUtcNow()));
        return check is AccessTokenCheck.Accepted own && issuer.Settings.Introspection is { ForAll: true }
            ? Both(own, await AskAsync(issuer, token, ct))
            : check;
    }

    private async Task<AccessTokenCheck> AskAsync(Issuer issuer, string token, CancellationToken ct)
    {
        var settings = issuer.Settings.Introspection!;
        var claims = await issuer.Introspection!.AskAsync(token, ct);
        return Answer(issuer, AccessTokenRules.CheckIntrospected(
            claims, issuer.Settings.Expected, settings.AudienceNeeded, settings.KeptFor, _clock.GetUtcNow()));
    }

    // The token speaks for itself, and the issuer says that it still holds, and of whom.
    private static AccessTokenCheck Both(AccessTokenCheck.Accepted own, AccessTokenCheck told) => told switch
    {
        AccessTokenCheck.Accepted { Claims: var claims } when claims.Sub == own.Claims.Sub =>
            own with { Claims = own.Claims with { Until = claims.Until < own.Claims.Until ? claims.Until : own.Claims.Until } },
        AccessTokenCheck.Accepted => new AccessTokenCheck.Refused("sub", "the issuer says that the token is somebody else's"),
        _ => told,
    };

    private static AccessTokenCheck Answer(Issuer issuer, AccessTokenVerdict verdict) => verdict switch
    {
        AccessTokenVerdict.Accepted accepted => new AccessTokenCheck.Accepted(issuer.Settings.Expected.Issuer, accepted.Claims),
        AccessTokenVerdict.Refused refused => new AccessTokenCheck.Refused(refused.Rule, refused.Description),
        _ => throw new UnreachableException(),
    };

    private KeySource KeysOf(BearerIssuerSettings settings, ProviderDirectory providers) => settings switch
    {
        { KeysUrl: { } url } => KeySource.OfUrl(url, _http, _clock),
        { KeyFile: { } file } => KeySource.OfFile(file, settings.KeyFileIsPem, _clock),
        _ => KeySource.Of(providers.Find(settings.Expected.Issuer)?.Metadata ?? new ProviderMetadata(settings.Expected.Issuer, _http, _clock)),
    };

    private IntrospectionClient? IntrospectionOf(BearerIssuerSettings settings) =>
        settings.Introspection is { } introspection ? new IntrospectionClient(introspection, _http, _clock) : null;

    private static string IssuerOf(ParsedJws jws) =>
        jws.UnverifiedPayload.TryGetProperty("iss", out var issuer) && issuer.ValueKind == System.Text.Json.JsonValueKind.String ? issuer.GetString()! : "";

    // RFC 6750, 2.1: b64token.
    private static bool IsToken(string token) =>
        token.TrimEnd('=') is { Length: > 0 } body && body.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~' or '+' or '/');

    private sealed record Issuer(BearerIssuerSettings Settings, KeySource Keys, IntrospectionClient? Introspection);
}
