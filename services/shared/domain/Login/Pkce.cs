using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace EventAuth.Domain.Login;

/// <summary>Proof Key for Code Exchange (RFC 7636), method S256 only.</summary>
public static class Pkce
{
    /// <summary>BASE64URL(SHA-256(verifier)): 43 characters.</summary>
    public static string Challenge(string verifier) =>
        Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
}
