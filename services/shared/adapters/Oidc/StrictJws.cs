using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace EventAuth.Adapters.Oidc;

/// <summary>
/// The policy around the signature check, for ID, logout and bearer tokens alike. Microsoft.IdentityModel verifies the
/// signature; what it leaves open is decided here, in this order:
/// <list type="number">
/// <item>at most 16 KiB, three parts, canonical base64url (one text, one meaning);</item>
/// <item>header and payload are strict JSON objects (<see cref="StrictJson"/>);</item>
/// <item><c>alg</c> is on the list, byte for byte; <c>crit</c> is refused; <c>typ</c> is text; <c>kid</c> is short text;</item>
/// <item>the key is one of the issuer's (<see cref="ProviderKeys"/>); <c>jwk</c>, <c>jku</c>, <c>x5u</c> and <c>x5c</c> are never read.</item>
/// </list>
/// No input makes it throw.
/// </summary>
public static class StrictJws
{
    /// <summary>Longest token.</summary>
    public const int MaxLength = 16 * 1024;

    private const int MaxKeyIdLength = 256;
    private const int Parts = 3;

    // Its cache would keep retired keys alive; a check of ours happens once per login or logout.
    private static readonly CryptoProviderFactory Cryptography = new() { CacheSignatureProviders = false };

    /// <summary>Steps 1 to 3.</summary>
    public static JwsParse Parse(string? token, IReadOnlyList<string> algorithms)
    {
        if (token is not { Length: > 0 and <= MaxLength })
        {
            return Refuse("size", "the token is missing or too long");
        }

        // The length is capped and the split bounded: a token of nothing but dots costs nothing.
        var parts = token.Split('.', Parts + 1);
        if (parts.Length != Parts)
        {
            return Refuse("form", "the token does not have three parts");
        }

        if (!TryDecode(parts[0], out var headerBytes) || !TryDecode(parts[1], out var payloadBytes) || !TryDecode(parts[2], out var signature))
        {
            return Refuse("base64url", "the token is not canonical base64url");
        }

        if (!StrictJson.TryParseObject(headerBytes, out var header) || !StrictJson.TryParseObject(payloadBytes, out var payload))
        {
            return Refuse("json", "the token is not strict JSON");
        }

        return CheckHeader(header, algorithms, out var algorithm, out var keyId)
            ?? (JwsParse)new JwsParse.Parsed(new ParsedJws(
                header, payload, algorithm, keyId, Encoding.ASCII.GetBytes(token, 0, parts[0].Length + 1 + parts[1].Length), signature));
    }

    /// <summary>Step 4, and the signature itself.</summary>
    public static JwsResult Verify(ParsedJws jws, ProviderKeys keys)
    {
        var candidates = keys.For(jws.KeyId, jws.Algorithm);
        if (candidates.Any(key => Holds(jws, key)))
        {
            return new JwsResult.Verified(jws.Header, jws.UnverifiedPayload);
        }

        if (!keys.Knows(jws.KeyId))
        {
            return new JwsResult.UnknownKey();
        }

        return candidates.Count == 0
            ? new JwsResult.Refused("key", "the key is not one for this signature")
            : new JwsResult.Refused("signature", "the signature does not hold");
    }

    private static JwsParse.Refused? CheckHeader(
        JsonElement header, IReadOnlyList<string> algorithms, out string algorithm, out string? keyId)
    {
        keyId = null;
        algorithm = header.TryGetProperty("alg", out var alg) && alg.ValueKind == JsonValueKind.String ? alg.GetString()! : "";
        if (!algorithms.Contains(algorithm, StringComparer.Ordinal) || !SigningAlgorithm.IsSupported(algorithm))
        {
            return Refuse("alg", "the algorithm is not allowed");
        }

        // We know no extension, b64 included (RFC 7515 4.1.11, RFC 7797).
        if (header.TryGetProperty("crit", out _) || header.TryGetProperty("b64", out _))
        {
            return Refuse("crit", "the token needs an extension");
        }

        if (header.TryGetProperty("typ", out var type) && type.ValueKind != JsonValueKind.String)
        {
            return Refuse("typ", "typ must be text");
        }

        if (!header.TryGetProperty("kid", out var kid))
        {
            return null;
        }

        keyId = kid.ValueKind == JsonValueKind.String ? kid.GetString() : null;
        return keyId is { Length: <= MaxKeyIdLength } ? null : Refuse("kid", "kid must be short text");
    }

    private static bool Holds(ParsedJws jws, SecurityKey key)
    {
        SignatureProvider? verifier = null;
        try
        {
            verifier = Cryptography.CreateForVerifying(key, jws.Algorithm);
            return verifier.Verify(jws.SigningInput, jws.Signature);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or NotSupportedException
            or InvalidOperationException or FormatException or SecurityTokenException)
        {
            // The library throws for some malformed signatures instead of saying no.
            return false;
        }
        finally
        {
            if (verifier is not null)
            {
                Cryptography.ReleaseSignatureProvider(verifier);
            }
        }
    }

    // Encoding again and comparing refuses padding, white space, other alphabets and stray bits in one go.
    private static bool TryDecode(string part, out byte[] bytes)
    {
        bytes = [];
        try
        {
            bytes = Base64Url.DecodeFromChars(part);
            return string.Equals(Base64Url.EncodeToString(bytes), part, StringComparison.Ordinal);
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static JwsParse.Refused Refuse(string rule, string description) => new(rule, description);
}
