using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>Makes keys, key sets and tokens, right ones and wrong ones; a signature always fits its input.</summary>
internal sealed class TokenForge : IDisposable
{
    public const string GoodHeader = """{"alg":"RS256","kid":"k1"}""";

    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string RsaKey(string id = "k1", string extra = "") => Rsa(_rsa, id, extra);

    public string EcKey(string id = "e1")
    {
        var q = _ec.ExportParameters(false).Q;
        return $$"""{"kty":"EC","crv":"P-256","kid":"{{id}}","x":"{{Base64Url.EncodeToString(q.X)}}","y":"{{Base64Url.EncodeToString(q.Y)}}"}""";
    }

    public static string Set(params string[] keys) => $$"""{"keys":[{{string.Join(',', keys)}}]}""";

    public static string Rsa(RSA key, string id, string extra = "")
    {
        var p = key.ExportParameters(false);
        return $$"""{"kty":"RSA","kid":"{{id}}","n":"{{Base64Url.EncodeToString(p.Modulus)}}","e":"{{Base64Url.EncodeToString(p.Exponent)}}"{{extra}}}""";
    }

    /// <summary>Signs whatever the header says with RS256.</summary>
    public string Rs256(string header, string payload) => Rs256(Encoding.UTF8.GetBytes(header), Encoding.UTF8.GetBytes(payload));

    public string Rs256(byte[] header, byte[] payload) =>
        Sign(header, payload, i => _rsa.SignData(i, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    public string Ps256(string header, string payload) =>
        Sign(Encoding.UTF8.GetBytes(header), Encoding.UTF8.GetBytes(payload), i => _rsa.SignData(i, HashAlgorithmName.SHA256, RSASignaturePadding.Pss));

    public string Es256(string header, string payload, DSASignatureFormat format = DSASignatureFormat.IeeeP1363FixedFieldConcatenation) =>
        Sign(Encoding.UTF8.GetBytes(header), Encoding.UTF8.GetBytes(payload), i => _ec.SignData(i, HashAlgorithmName.SHA256, format));

    /// <summary>Signs with the public key as if it were a shared secret.</summary>
    public string Hs256(string header, string payload) =>
        Sign(Encoding.UTF8.GetBytes(header), Encoding.UTF8.GetBytes(payload), i => HMACSHA256.HashData(_rsa.ExportSubjectPublicKeyInfo(), i));

    /// <summary>An ID token of <see cref="FixedIdp"/> at its noon.</summary>
    public string IdToken(string nonce, string header = GoodHeader) => Rs256(header, JsonSerializer.Serialize(new
    {
        iss = FixedIdp.Issuer,
        aud = FixedIdp.ClientId,
        sub = "alice",
        nonce,
        iat = FixedIdp.Noon.ToUnixTimeSeconds(),
        exp = FixedIdp.Noon.AddMinutes(5).ToUnixTimeSeconds(),
    }));

    public void Dispose()
    {
        _rsa.Dispose();
        _ec.Dispose();
    }

    private static string Sign(byte[] header, byte[] payload, Func<byte[], byte[]> sign)
    {
        var input = Base64Url.EncodeToString(header) + "." + Base64Url.EncodeToString(payload);
        return input + "." + Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(input)));
    }
}
