using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace EventAuth.Bench;

/// <summary>Signed access tokens of as many persons as are asked for, and where their key is.</summary>
internal sealed class TokenSource : IDisposable
{
    private readonly RSA _key = RSA.Create(2048);
    private readonly string _file = Path.GetTempFileName();
    private int _next;

    public TokenSource() => File.WriteAllText(_file, _key.ExportSubjectPublicKeyInfoPem());

    public Dictionary<string, string> Settings => new()
    {
        ["bearer.issuers.0.issuer"] = "urn:bench",
        ["bearer.issuers.0.audiences"] = "urn:app",
        ["bearer.issuers.0.publicKeyFile"] = _file,
    };

    public string Next()
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var input = Encode("""{"alg":"RS256","typ":"at+jwt","kid":"k1"}""") + "." + Encode(string.Create(CultureInfo.InvariantCulture,
            $$"""{"iss":"urn:bench","aud":"urn:app","sub":"robot-{{_next++}}","client_id":"spa","iat":{{now}},"exp":{{now + 3600}},"jti":"{{_next}}","scope":"openid api.read","groups":["staff","guests"]}"""));
        return input + "." + Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    public void Dispose()
    {
        _key.Dispose();
        File.Delete(_file);
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
