using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace EventAuth.Gateway.Bearer;

/// <summary>
/// A token as a key: the whole SHA-256 of its characters, never a part of it, so that two tokens are one key only if they are
/// one text (CVE-2026-71326). It is made without copying the token.
/// </summary>
internal readonly record struct TokenHash(ulong A, ulong B, ulong C, ulong D)
{
    public static TokenHash Of(ReadOnlySpan<char> token)
    {
        Span<ulong> hash = stackalloc ulong[SHA256.HashSizeInBytes / sizeof(ulong)];
        SHA256.HashData(MemoryMarshal.AsBytes(token), MemoryMarshal.AsBytes(hash));
        return new TokenHash(hash[0], hash[1], hash[2], hash[3]);
    }
}
