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

    private static readonly JsonSerializerOptions WithoutNull = new()
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly Lock _lock = new();
    private readonly List<(string Id, RSA Key)> _published = [];
    private readonly RSA _unpublished = RSA.Create(Bits);
    private readonly ECDsa _elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private int _made;

    public StubKeys() => Rotate(keepOld: false);

    /// <summary>Keys are published and used without names.</summary>
    public bool Nameless { get; set; }

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
            return JsonSerializer.Serialize(
                new { keys = _published.Select(k => Publish(Nameless ? null : k.Id, k.Key)) }, WithoutNull);
        }
    }

    /// <summary>Signs claims with RS256.</summary>
    public string Sign(JsonObject claims, string? type) => Sign(claims, type, StubSignature.True, change: null, secret: "");

    /// <summary>Signs claims, or does as if.</summary>
    /// <param name="change">Of the header.</param>
    /// <param name="secret">For <see cref="StubSignature.SharedSecret"/>.</param>
    internal string Sign(JsonObject claims, string? type, StubSignature how, Action<JsonObject>? change, string secret)
    {
        lock (_lock)
        {
            var header = new JsonObject { ["alg"] = Algorithm(how) };
            if (!Nameless)
            {
                header["kid"] = _published[0].Id;
            }

            if (type is not null)
            {
                header["typ"] = type;
            }

            change?.Invoke(header);
            var input = Encode(header) + "." + Encode(claims);
            return input + "." + Base64Url.EncodeToString(Signature_Locked(Encoding.ASCII.GetBytes(input), how, secret));
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            _published.ForEach(k => k.Key.Dispose());
            _unpublished.Dispose();
            _elliptic.Dispose();
        }
    }

    private byte[] Signature_Locked(byte[] input, StubSignature how, string secret)
    {
        switch (how)
        {
            case StubSignature.None:
                return [];
            case StubSignature.SharedSecret:
                return HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), input);
            case StubSignature.Elliptic:
                return _elliptic.SignData(input, HashAlgorithmName.SHA256);
            default:
                var key = how == StubSignature.OtherKey ? _unpublished : _published[0].Key;
                var signature = key.SignData(input, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
                signature[^1] ^= how == StubSignature.Broken ? (byte)1 : (byte)0;
                return signature;
        }
    }

    private static string Algorithm(StubSignature how) => how switch
    {
        StubSignature.None => "none",
        StubSignature.SharedSecret => "HS256",
        StubSignature.Elliptic => "ES256",
        _ => "RS256",
    };

    private static string Encode(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));

    private static object Publish(string? id, RSA key)
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
