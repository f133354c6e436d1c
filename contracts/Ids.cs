using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EventAuth.Contracts;

/// <summary>
/// Names a session in streams, logs and pages: 128 bits of the SHA-256 of the cookie secret.
/// Knowing it is of no use to an attacker, because only the secret (256 random bits) is accepted in a cookie.
/// </summary>
public readonly record struct SessionId(Guid Value)
{
    /// <summary>Bytes of a cookie secret.</summary>
    public const int SecretLength = 32;

    /// <summary>The id that belongs to a cookie secret.</summary>
    public static SessionId OfSecret(ReadOnlySpan<byte> secret)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(secret, hash);
        return new SessionId(new Guid(hash[..16], bigEndian: true));
    }

    /// <summary>Parses the 32 hexadecimal digits of <see cref="ToString"/>.</summary>
    public static bool TryParse(string? text, out SessionId id)
    {
        var ok = Guid.TryParseExact(text, "N", out var value);
        id = new SessionId(value);
        return ok;
    }

    /// <inheritdoc />
    public override string ToString() => Value.ToString("N");
}

/// <summary>
/// Who somebody is: issuer and subject together (OpenID Connect Core 5.7), never an e-mail address.
/// </summary>
public sealed record Subject(string Issuer, string Sub)
{
    /// <summary>The subject as one fixed-size key.</summary>
    public SubjectKey Key => new(KeyHash.Of("subject", Issuer, Sub));
}

/// <summary>A subject as a fixed-size key: 128 bits of a SHA-256 over issuer and subject.</summary>
public readonly record struct SubjectKey(Guid Value)
{
    /// <summary>Parses the 32 hexadecimal digits of <see cref="ToString"/>.</summary>
    public static bool TryParse(string? text, out SubjectKey key)
    {
        var ok = Guid.TryParseExact(text, "N", out var value);
        key = new SubjectKey(value);
        return ok;
    }

    /// <inheritdoc />
    public override string ToString() => Value.ToString("N");
}

/// <summary>A session of the IdP (its <c>sid</c>) as a fixed-size key; the same sid of another issuer is another key.</summary>
public readonly record struct ProviderSessionKey(Guid Value)
{
    /// <summary>The key of a sid at an issuer.</summary>
    public static ProviderSessionKey Of(string issuer, string sid) => new(KeyHash.Of("sid", issuer, sid));

    /// <inheritdoc />
    public override string ToString() => Value.ToString("N");
}

/// <summary>One access token (its <c>jti</c>) as a fixed-size key; the same jti of another issuer is another key.</summary>
public readonly record struct AccessTokenKey(Guid Value)
{
    /// <summary>The key of a jti at an issuer.</summary>
    public static AccessTokenKey Of(string issuer, string jti) => new(KeyHash.Of("access-token", issuer, jti));

    /// <inheritdoc />
    public override string ToString() => Value.ToString("N");
}

/// <summary>Hashes text parts with their lengths, so that <c>a|b + c</c> and <c>a + b|c</c> differ.</summary>
public static class KeyHash
{
    /// <summary>128 bits of SHA-256 over the length-prefixed parts; <paramref name="domain"/> keeps kinds of keys apart.</summary>
    public static Guid Of(string domain, params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, domain);
        foreach (var part in parts)
        {
            Append(hash, part);
        }

        return new Guid(hash.GetHashAndReset().AsSpan(0, 16), bigEndian: true);
    }

    private static void Append(IncrementalHash hash, string part)
    {
        var bytes = Encoding.UTF8.GetBytes(part);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
