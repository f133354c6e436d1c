using System.Security.Cryptography;
using System.Text;
using EventAuth.Adapters.Settings;

namespace EventAuth.Adapters.Secrets;

/// <summary>A secret as it may lie in a database: the key's name, and nonce, tag and cipher text in one.</summary>
public sealed record SealedSecret(string KeyId, byte[] Bytes);

/// <summary>No key of the ring opens this, or it was changed, or it belongs to something else.</summary>
public sealed class SealBrokenException(string message) : Exception(message);

/// <summary>
/// Encrypts secrets at rest with AES-256-GCM under a ring of named keys: the first writes, all read. What a secret
/// belongs to is authenticated with it, so a sealed value copied to another row does not open.
/// </summary>
public sealed class TokenVault(IReadOnlyList<TokenKeySettings> keys)
{
    private const int NonceLength = 12;
    private const int TagLength = 16;

    public SealedSecret Seal(ReadOnlySpan<byte> plain, string purpose, Guid owner)
    {
        var key = keys[0];
        var bytes = new byte[NonceLength + TagLength + plain.Length];
        var nonce = bytes.AsSpan(0, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key.Key, TagLength);
        aes.Encrypt(nonce, plain, bytes.AsSpan(NonceLength + TagLength), bytes.AsSpan(NonceLength, TagLength), Belonging(purpose, owner));
        return new SealedSecret(key.Id, bytes);
    }

    /// <exception cref="SealBrokenException">Unknown key, changed bytes or another owner.</exception>
    public byte[] Open(SealedSecret secret, string purpose, Guid owner)
    {
        var key = keys.FirstOrDefault(k => k.Id == secret.KeyId)
            ?? throw new SealBrokenException($"token key '{secret.KeyId}' is not configured (secrets.tokenKeys)");
        if (secret.Bytes.Length < NonceLength + TagLength)
        {
            throw new SealBrokenException("too short to be a sealed secret");
        }

        var plain = new byte[secret.Bytes.Length - NonceLength - TagLength];
        using var aes = new AesGcm(key.Key, TagLength);
        try
        {
            aes.Decrypt(secret.Bytes.AsSpan(0, NonceLength), secret.Bytes.AsSpan(NonceLength + TagLength),
                secret.Bytes.AsSpan(NonceLength, TagLength), plain, Belonging(purpose, owner));
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new SealBrokenException("a sealed secret was changed or belongs elsewhere");
        }

        return plain;
    }

    /// <summary>A keyed hash that stands for a person where events must not name one; the same name gives the same hash.</summary>
    public string Pseudonym(string person)
    {
        var hash = HMACSHA256.HashData(keys[0].Key, Encoding.UTF8.GetBytes("pseudonym\n" + person.ToLowerInvariant()));
        return $"person:{keys[0].Id}:{Convert.ToHexStringLower(hash.AsSpan(0, 16))}";
    }

    private static byte[] Belonging(string purpose, Guid owner) => Encoding.UTF8.GetBytes($"{purpose}\n{owner:N}");
}
