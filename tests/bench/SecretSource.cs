using System.Security.Cryptography;
using EventAuth.Contracts;

namespace EventAuth.Bench;

/// <summary>Cookie secrets, the same in every run.</summary>
internal sealed class SecretSource : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int _next;

    public byte[] Next()
    {
        _hash.AppendData(BitConverter.GetBytes(_next++));
        return _hash.GetHashAndReset()[..SessionId.SecretLength];
    }

    public void Dispose() => _hash.Dispose();
}
