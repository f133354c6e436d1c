using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EventAuth.StubIdp;

/// <summary>The stub's signing keys: the newest signs, those still published verify.</summary>
public sealed class StubKeys : IDisposable
{
    private const int Bits = 2048;

    private readonly Lock _lock = new();
    private readonly List<(string Id, RSA Key)> _published = [];
    private int _made;

    public StubKeys() => Rotate(keepOld: false);

    /// <summary>A new key signs from now on.</summary>
    /// <param name="keepOld">Whether tokens of the old one can still be verified.</param>
    public void Rotate(bool keepOld)
    {
        lock (_lock)
        {
            if (!keepOld)
            {
                _published.Clear();
            }

            _published.Insert(0, ($"stub-{++_made}", RSA.Create(Bits)));
        }
    }

    /// <summary>The published set.</summary>
    public string ToJson()
    {
        lock (_lock)
        {
            return JsonSerializer.Serialize(new { keys = _published.Select(k => Publish(k.Id, k.Key)) });
        }
    }

    /// <summary>Signs claims with RS256.</summary>
    public string Sign(JsonObject claims, string? type)
    {
        lock (_lock)
        {
            var (id, key) = _published[0];
            var header = new JsonObject { ["alg"] = "RS256", ["kid"] = id };
            if (type is not null)
            {
                header["typ"] = type;
            }

            var input = Encode(header) + "." + Encode(claims);
            var signature = key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            return input + "." + Base64Url.EncodeToString(signature);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            _published.ForEach(k => k.Key.Dispose());
        }
    }

    private static string Encode(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));

    private static object Publish(string id, RSA key)
    {
        var parameters = key.ExportParameters(includePrivateParameters: false);
        return new
        {
            kty = "RSA",
            use = "sig",
            alg = "RS256",
            kid = id,
            n = Base64Url.EncodeToString(parameters.Modulus),
            e = Base64Url.EncodeToString(parameters.Exponent),
        };
    }
}
