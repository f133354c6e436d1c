using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace EventAuth.Adapters.Oidc;

/// <summary>
/// Public keys out of PEM text (RFC 7468, 13: <c>PUBLIC KEY</c>; also <c>RSA PUBLIC KEY</c>). They are turned into members
/// of a JWK set, so that what is refused there (short keys, odd exponents, other curves) is refused here. A file with a
/// private key gives none: it was put there by mistake.
/// </summary>
internal static class PemKeys
{
    /// <summary>Null when the text holds no usable public key, or a private one.</summary>
    public static ProviderKeys? Parse(string text)
    {
        var members = new List<JsonElement>();
        for (var rest = text.AsSpan(); PemEncoding.TryFind(rest, out var found); rest = rest[found.Location.End..])
        {
            if (rest[found.Label].EndsWith("PRIVATE KEY", StringComparison.Ordinal))
            {
                return null;
            }

            if (Read(rest[found.Location]) is { } member)
            {
                members.Add(member);
            }
        }

        return ProviderKeys.Nameless(members);
    }

    private static JsonElement? Read(ReadOnlySpan<char> pem)
    {
        try
        {
            using var rsa = RSA.Create();
            rsa.ImportFromPem(pem);
            var key = rsa.ExportParameters(includePrivateParameters: false);
            return Member(new { kty = "RSA", n = Base64Url.EncodeToString(key.Modulus), e = Base64Url.EncodeToString(key.Exponent) });
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return ReadElliptic(pem);
        }
    }

    private static JsonElement? ReadElliptic(ReadOnlySpan<char> pem)
    {
        try
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportFromPem(pem);
            var key = ecdsa.ExportParameters(includePrivateParameters: false);
            var curve = key.Curve.Oid.Value switch
            {
                "1.2.840.10045.3.1.7" => "P-256",
                "1.3.132.0.34" => "P-384",
                "1.3.132.0.35" => "P-521",
                _ => "",
            };
            return Member(new { kty = "EC", crv = curve, x = Base64Url.EncodeToString(key.Q.X), y = Base64Url.EncodeToString(key.Q.Y) });
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    private static JsonElement Member(object key) => JsonSerializer.SerializeToElement(key);
}
