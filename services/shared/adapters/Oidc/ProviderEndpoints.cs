using System.Net;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace EventAuth.Adapters.Oidc;

/// <summary>Where an IdP answers, and how it wants to be asked (OpenID Connect Discovery 1.0, 3).</summary>
/// <param name="IssuerInResponse">It promises <c>iss</c> in the authorization response (RFC 9207).</param>
/// <param name="SecretInBody">It takes the client secret in the body only.</param>
/// <param name="Scopes">The scopes it supports; null when it does not say.</param>
public sealed record ProviderEndpoints(
    Uri Authorization,
    Uri Token,
    Uri Keys,
    Uri? UserInfo,
    Uri? Revocation,
    Uri? EndSession,
    bool IssuerInResponse,
    bool SecretInBody,
    IReadOnlyList<string>? Scopes)
{
    /// <summary>Whether an issuer may be spoken to without TLS: on this machine only.</summary>
    public static bool IsLoopback(Uri uri) =>
        uri.Host == "localhost" || (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    /// <param name="source">Where the settings say that the document is: its endpoints may be at that place too.</param>
    /// <exception cref="ProviderUnavailableException">The document is about another issuer or names an endpoint we must not call.</exception>
    internal static ProviderEndpoints Of(OpenIdConnectConfiguration document, string issuer, Uri? source = null)
    {
        if (!string.Equals(document.Issuer, issuer, StringComparison.Ordinal))
        {
            throw new ProviderUnavailableException("issuer_mismatch");
        }

        Uri[] homes = source is null ? [new Uri(issuer)] : [new Uri(issuer), source];
        var methods = document.TokenEndpointAuthMethodsSupported;
        return new ProviderEndpoints(
            Required(document.AuthorizationEndpoint, homes),
            Required(document.TokenEndpoint, homes),
            Required(document.JwksUri, homes),
            Optional(document.UserInfoEndpoint, homes),
            Optional(document.RevocationEndpoint, homes),
            Optional(document.EndSessionEndpoint, homes),
            document.AuthorizationResponseIssParameterSupported,
            methods.Contains("client_secret_post") && !methods.Contains("client_secret_basic"),
            document.ScopesSupported.Count == 0 ? null : [.. document.ScopesSupported]);
    }

    private static Uri Required(string? text, Uri[] homes) =>
        Optional(text, homes) ?? throw new ProviderUnavailableException("endpoint_missing");

    private static Uri? Optional(string? text, Uri[] homes)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        var sound = Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && uri.UserInfo.Length == 0
            && uri.Fragment.Length == 0
            && homes.Any(home => MayBeAskedFor(uri, home));
        return sound ? uri : throw new ProviderUnavailableException("endpoint_refused");
    }

    // Server-side request forgery: https only, and no address in place of a name unless the IdP itself is at it.
    private static bool MayBeAskedFor(Uri uri, Uri home) =>
        (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && IsPlainLoopback(home) && IsLoopback(uri)))
        && (IsLoopback(uri) ? IsLoopback(home) : uri.HostNameType == UriHostNameType.Dns || uri.Host == home.Host);

    private static bool IsPlainLoopback(Uri home) => home.Scheme == Uri.UriSchemeHttp && IsLoopback(home);
}
