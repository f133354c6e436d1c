using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace EventAuth.Adapters.Oidc;

/// <summary>
/// The keys of one IdP that can verify signatures. Whatever else the key set holds is left out when it is read:
/// encryption keys, short keys, private members, keys that are broken.
/// </summary>
public sealed class ProviderKeys
{
    private const int MinRsaBits = 2048;
    private const int MaxRsaBits = 8192;
    private const int MaxExponentBytes = 8;
    private const int MaxTried = 4;
    private const int MaxKeys = 100;

    private readonly List<Key> _keys;
    private readonly HashSet<string> _ids;
    private readonly bool _nameless;

    private ProviderKeys(List<Key> keys, HashSet<string> ids, bool nameless = false) => (_keys, _ids, _nameless) = (keys, ids, nameless);

    /// <summary>How many keys can be used.</summary>
    public int Count => _keys.Count;

    /// <summary>Reads a JWK set (RFC 7517, 5); null when it is none or holds no usable key.</summary>
    public static ProviderKeys? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json.ToArray(), new JsonDocumentOptions { MaxDepth = StrictJson.MaxDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("keys", out var members)
                || members.ValueKind != JsonValueKind.Array)
            {
                return null;
            }

            List<Key> keys = [.. members.EnumerateArray().Take(MaxKeys).Select(Read).OfType<Key>()];
            return keys.Count == 0 ? null : new ProviderKeys(keys, [.. members.EnumerateArray().Select(IdOf).OfType<string>()]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Public keys that have no ids, so that whatever id a token names is not looked at; null when none is usable.</summary>
    internal static ProviderKeys? Nameless(IEnumerable<JsonElement> members)
    {
        List<Key> keys = [.. members.Take(MaxTried).Select(Read).OfType<Key>()];
        return keys.Count == 0 ? null : new ProviderKeys(keys, [], nameless: true);
    }

    /// <summary>The keys that may have made a signature: of this id (any id when none is named) and fit for the algorithm.</summary>
    internal List<SecurityKey> For(string? keyId, string algorithm) =>
        [.. _keys.Where(k => (_nameless || k.IsNamed(keyId)) && k.Fits(algorithm)).Take(MaxTried).Select(k => k.Verifier)];

    /// <summary>Whether the set has a key of this id, usable or not: then a newer set would not help.</summary>
    internal bool Knows(string? keyId) => keyId is not null && _ids.Contains(keyId);

    private static string? IdOf(JsonElement member) =>
        member.ValueKind == JsonValueKind.Object && member.TryGetProperty("kid", out var id) && id.ValueKind == JsonValueKind.String
            ? id.GetString()
            : null;

    // A key is skipped, not the set: one bad key must not take the good ones along.
    private static Key? Read(JsonElement member)
    {
        try
        {
            if (!StrictJson.TryParseObject(Encoding.UTF8.GetBytes(member.GetRawText()), out _))
            {
                return null;
            }

            var jwk = new JsonWebKey(member.GetRawText());
            return IsForSignatures(jwk) ? ToKey(jwk) : null;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or CryptographicException or JsonException
            or NotSupportedException or InvalidOperationException or OverflowException)
        {
            return null;
        }
    }

    private static bool IsForSignatures(JsonWebKey jwk) =>
        (string.IsNullOrEmpty(jwk.Use) || jwk.Use == "sig") && (jwk.KeyOps.Count == 0 || jwk.KeyOps.Contains("verify"));

    // Built from the public members alone: a set that leaks private ones gives us none.
    private static Key? ToKey(JsonWebKey jwk) => jwk.Kty switch
    {
        "RSA" => RsaKey(jwk),
        "EC" => EllipticKey(jwk),
        _ => null,
    };

    private static Key? RsaKey(JsonWebKey jwk)
    {
        var modulus = Base64UrlEncoder.DecodeBytes(jwk.N).AsSpan().TrimStart((byte)0).ToArray();
        var exponent = Base64UrlEncoder.DecodeBytes(jwk.E).AsSpan().TrimStart((byte)0).ToArray();
        var bits = modulus.Length * 8;
        var exponentIsSound = exponent.Length is > 0 and <= MaxExponentBytes && (exponent[^1] & 1) == 1 && exponent is not [1];
        return bits is >= MinRsaBits and <= MaxRsaBits && exponentIsSound
            ? new Key(jwk.Kid, jwk.Alg, "RSA", new RsaSecurityKey(new RSAParameters { Modulus = modulus, Exponent = exponent }))
            : null;
    }

    private static Key? EllipticKey(JsonWebKey jwk)
    {
        ECCurve? curve = jwk.Crv switch
        {
            "P-256" => ECCurve.NamedCurves.nistP256,
            "P-384" => ECCurve.NamedCurves.nistP384,
            "P-521" => ECCurve.NamedCurves.nistP521,
            _ => null,
        };
        if (curve is null)
        {
            return null;
        }

        var point = new ECPoint { X = Base64UrlEncoder.DecodeBytes(jwk.X), Y = Base64UrlEncoder.DecodeBytes(jwk.Y) };
        return new Key(
            jwk.Kid, jwk.Alg, jwk.Crv, new ECDsaSecurityKey(ECDsa.Create(new ECParameters { Curve = curve.Value, Q = point })));
    }

    private sealed record Key(string? Id, string? Algorithm, string Type, SecurityKey Verifier)
    {
        public bool IsNamed(string? keyId) => keyId is null || string.Equals(Id, keyId, StringComparison.Ordinal);

        // One key, one algorithm (RFC 8725 3.1), when the set says which.
        public bool Fits(string algorithm) =>
            Type == SigningAlgorithm.KeyType(algorithm) && (string.IsNullOrEmpty(Algorithm) || Algorithm == algorithm);
    }
}
