using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using EventAuth.Adapters.Oidc;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>The form of a token, before anybody asks what it says. Every signature here fits, unless the row says otherwise.</summary>
public sealed class StrictJwsTests : IDisposable
{
    private const string Good = TokenForge.GoodHeader;
    private const string Payload = """{"sub":"alice"}""";

    private readonly TokenForge _forge = new();

    [Fact]
    public void A_good_token_is_verified()
    {
        var result = Verify(_forge.Rs256(Good, Payload), _forge.RsaKey());

        Assert.Equal("alice", Assert.IsType<JwsResult.Verified>(result).Payload.GetProperty("sub").GetString());
    }

    [Theory]
    [InlineData("""{"alg":"none","kid":"k1"}""", "alg")]
    [InlineData("""{"alg":"HS256","kid":"k1"}""", "alg")]
    [InlineData("""{"alg":"RS512","kid":"k1"}""", "alg")]
    [InlineData("""{"alg":"rs256","kid":"k1"}""", "alg")]
    [InlineData("""{"alg":256,"kid":"k1"}""", "alg")]
    [InlineData("""{"kid":"k1"}""", "alg")]
    [InlineData("""{"alg":"PBES2-HS512+A256KW","p2c":2147483647,"enc":"A256GCM"}""", "alg")]
    [InlineData("""{"alg":"RS256","kid":"k1","crit":["x"],"x":1}""", "crit")]
    [InlineData("""{"alg":"RS256","kid":"k1","crit":[]}""", "crit")]
    [InlineData("""{"alg":"RS256","kid":"k1","b64":false}""", "crit")]
    [InlineData("""{"alg":"RS256","kid":"k1","typ":1}""", "typ")]
    [InlineData("""{"alg":"RS256","kid":["k1"]}""", "kid")]
    [InlineData("""{"alg":"RS256","kid":1}""", "kid")]
    [InlineData("""{"alg":"RS256","kid":null}""", "kid")]
    [InlineData("""{"alg":"RS256","alg":"none","kid":"k1"}""", "json")]
    [InlineData("""{"alg":"RS256","\u0061lg":"none","kid":"k1"}""", "json")]
    [InlineData("""{"alg":"RS256","kid":"k1","x":{"a":1,"a":2}}""", "json")]
    [InlineData("""{"alg":"RS256","kid":"\ud800"}""", "json")]
    [InlineData("""{"alg":"RS256","\udc00":1}""", "json")]
    [InlineData("""["alg","RS256"]""", "json")]
    [InlineData("""{"alg":"RS256",}""", "json")]
    [InlineData("""{"alg":"RS256"} {}""", "json")]
    public void A_header_is_refused(string header, string rule) => Assert.Equal(rule, RuleOf(_forge.Rs256(header, Payload)));

    [Theory]
    [InlineData("not json")]
    [InlineData("""["sub"]""")]
    [InlineData("")]
    [InlineData("""{"sub":"alice","sub":"bob"}""")]
    [InlineData("""{"a":{"b":[{"c":1,"c":1}]}}""")]
    [InlineData("""{"sub":"\ud83d"}""")]
    public void A_payload_is_refused(string payload) => Assert.Equal("json", RuleOf(_forge.Rs256(Good, payload)));

    [Fact]
    public void Deep_nesting_is_refused_and_sixteen_levels_are_not()
    {
        Assert.Equal("json", RuleOf(_forge.Rs256(Good, Nested(5000))));
        Assert.Equal("json", RuleOf(_forge.Rs256(Good, Nested(16))));
        Assert.Equal("", RuleOf(_forge.Rs256(Good, Nested(15))));
    }

    [Fact]
    public void Text_that_is_not_UTF_8_is_refused()
    {
        Assert.Equal("json", RuleOf(_forge.Rs256(Encoding.Unicode.GetBytes(Good), Encoding.UTF8.GetBytes(Payload))));
        Assert.Equal("json", RuleOf(_forge.Rs256(Encoding.UTF8.GetBytes(Good), [.. "{\"a\":\""u8, 0xC0, 0xAE, .. "\"}"u8])));
        Assert.Equal("json", RuleOf(_forge.Rs256(Encoding.UTF8.GetBytes(Good), [0xEF, 0xBB, 0xBF, .. "{}"u8])));
    }

    [Theory]
    [InlineData(null, "size")]
    [InlineData("", "size")]
    [InlineData(".", "form")]
    [InlineData("..", "json")]
    [InlineData("a.b", "form")]
    [InlineData("a.b.c.d", "form")]
    [InlineData("a.b.c.d.e", "form")]
    public void A_text_that_is_no_token_is_refused(string? token, string rule) => Assert.Equal(rule, RuleOf(token));

    [Fact]
    public void A_token_is_canonical_to_the_last_bit()
    {
        var token = _forge.Rs256(Good, Payload);
        var parts = token.Split('.');
        var last = token[^1];
        var sameBits = (char)(last + 1);

        Assert.Equal("base64url", RuleOf(token + "="));
        Assert.Equal("base64url", RuleOf(token + "\n"));
        Assert.Equal("base64url", RuleOf(token.Insert(5, " ")));
        Assert.Equal("base64url", RuleOf($"{parts[0]}.{parts[1]}.{parts[2][..4]}+/{parts[2][6..]}"));

        // 256 bytes leave four unused bits in the last character: another character, the same signature.
        Assert.Equal(Base64Url.DecodeFromChars(parts[2]), Decode(parts[2][..^1] + sameBits));
        Assert.Equal("base64url", RuleOf(token[..^1] + sameBits));
    }

    [Fact]
    public void A_token_has_at_most_16_KiB() =>
        Assert.Equal("size", RuleOf(_forge.Rs256(Good, $$"""{"a":"{{new string('x', 16 * 1024)}}"}""")));

    [Fact]
    public void A_signature_that_does_not_fit_is_refused()
    {
        var parts = _forge.Rs256(Good, Payload).Split('.');
        var other = _forge.Rs256(Good, """{"sub":"mallory"}""").Split('.');

        Assert.Equal("signature", RuleOf($"{parts[0]}.{other[1]}.{parts[2]}"));
        Assert.Equal("signature", RuleOf($"{parts[0]}.{parts[1]}."));
        Assert.Equal("signature", RuleOf($"{parts[0]}.{parts[1]}.{parts[2][..100]}"));
        Assert.Equal("signature", RuleOf(_forge.Ps256(Good, Payload)));
        Assert.Equal("alg", RuleOf(_forge.Hs256("""{"alg":"HS256","kid":"k1"}""", Payload)));
    }

    [Fact]
    public void HS256_is_refused_even_when_the_settings_allow_it() =>
        Assert.Equal("alg", RuleOf(_forge.Hs256("""{"alg":"HS256","kid":"k1"}""", Payload), ["HS256", "none"]));

    [Theory]
    [InlineData(",\"use\":\"sig\"", "")]
    [InlineData(",\"alg\":\"RS256\",\"key_ops\":[\"verify\"]", "")]
    [InlineData(",\"use\":\"enc\"", "key")]
    [InlineData(",\"key_ops\":[\"encrypt\"]", "key")]
    [InlineData(",\"alg\":\"PS256\"", "key")]
    public void A_key_verifies_only_what_it_is_for(string members, string rule) =>
        Assert.Equal(rule, RuleOf(_forge.Rs256(Good, Payload), ["RS256"], _forge.RsaKey("k1", members), _forge.EcKey()));

    [Fact]
    public void Elliptic_signatures_have_the_form_of_RFC_7518()
    {
        const string Header = """{"alg":"ES256","kid":"e1"}""";
        string[] algorithms = ["ES256"];
        var parts = _forge.Es256(Header, Payload).Split('.');

        Assert.Equal("", RuleOf(string.Join('.', parts), algorithms, _forge.EcKey()));
        Assert.Equal("signature", RuleOf(_forge.Es256(Header, Payload, DSASignatureFormat.Rfc3279DerSequence), algorithms, _forge.EcKey()));

        // CVE-2022-21449: r = s = 0 fits every message where the range is not checked.
        Assert.Equal("signature", RuleOf($"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(new byte[64])}", algorithms, _forge.EcKey()));
        Assert.Equal("key", RuleOf(_forge.Es256("""{"alg":"ES384","kid":"e1"}""", Payload), ["ES384"], _forge.EcKey()));
    }

    [Fact]
    public void Short_keys_verify_nothing()
    {
        using var small = RSA.Create(1024);

        Assert.Null(ProviderKeys.Parse(Encoding.UTF8.GetBytes(TokenForge.Set(TokenForge.Rsa(small, "small")))));
    }

    [Fact]
    public void A_key_id_that_nobody_published_is_told_from_a_wrong_signature()
    {
        Assert.IsType<JwsResult.UnknownKey>(Verify(_forge.Rs256("""{"alg":"RS256","kid":"../../../dev/null"}""", Payload), _forge.RsaKey()));
        Assert.Equal("kid", RuleOf(_forge.Rs256($$"""{"alg":"RS256","kid":"{{new string('a', 257)}}"}""", Payload)));
    }

    [Fact]
    public void Without_a_key_id_up_to_four_fitting_keys_are_tried()
    {
        const string Header = """{"alg":"RS256"}""";
        var others = Enumerable.Range(0, 4).Select(i => NewRsaKey($"o{i}")).ToArray();

        Assert.IsType<JwsResult.Verified>(Verify(_forge.Rs256(Header, Payload), [.. others[..3], _forge.EcKey(), _forge.RsaKey()]));
        Assert.IsType<JwsResult.UnknownKey>(Verify(_forge.Rs256(Header, Payload), [.. others, _forge.RsaKey()]));
    }

    [Fact]
    public void A_bad_key_does_not_take_the_good_ones_along()
    {
        string[] bad =
        [
            "1", "null", "[]", "{}", """{"kty":7}""", """{"kty":"RSA","n":"!","e":"AQAB"}""", """{"kty":"RSA"}""",
            """{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}""", """{"kty":"EC","crv":"P-000","x":"AA","y":"AA"}""",
            """{"kty":"oct","k":"AAAA"}""", """{"kty":"RSA","kid":"a","kid":"b","n":"AQ","e":"AQ"}""",
        ];

        Assert.IsType<JwsResult.Verified>(Verify(_forge.Rs256(Good, Payload), [.. bad, _forge.RsaKey(), .. bad]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"keys":{}}""")]
    [InlineData("""{"keys":[]}""")]
    public void What_is_no_key_set_gives_no_keys(string json) => Assert.Null(ProviderKeys.Parse(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void No_change_of_a_token_makes_it_throw_or_pass()
    {
        // Every character of a good token replaced by each of these, one at a time.
        var token = _forge.Rs256(Good, Payload);
        for (var i = 0; i < token.Length; i++)
        {
            foreach (var c in "A-.=\0é\ud800".Where(c => c != token[i]))
            {
                Assert.False(Verify(string.Concat(token.AsSpan(0, i), [c], token.AsSpan(i + 1)), _forge.RsaKey()) is JwsResult.Verified);
            }
        }
    }

    public void Dispose() => _forge.Dispose();

    private static JwsResult Verify(string? token, params string[] keys) => Verify(token, ["RS256"], keys);

    private static JwsResult Verify(string? token, string[] algorithms, string[] keys) => StrictJws.Parse(token, algorithms) switch
    {
        JwsParse.Parsed parsed => StrictJws.Verify(parsed.Jws, ProviderKeys.Parse(Encoding.UTF8.GetBytes(TokenForge.Set(keys)))!),
        JwsParse.Refused refused => new JwsResult.Refused(refused.Rule, refused.Description),
        _ => throw new InvalidOperationException(),
    };

    private string RuleOf(string? token) => RuleOf(token, ["RS256"], _forge.RsaKey());

    private string RuleOf(string? token, string[] algorithms) => RuleOf(token, algorithms, _forge.RsaKey());

    private static string RuleOf(string? token, string[] algorithms, params string[] keys) =>
        Verify(token, algorithms, keys) is JwsResult.Refused refused ? refused.Rule : "";

    private static string Nested(int levels) => $$"""{"a":{{new string('[', levels)}}{{new string(']', levels)}}}""";

    private static byte[] Decode(string part) => Convert.FromBase64String(part.Replace('-', '+').Replace('_', '/') + "==");

    private static string NewRsaKey(string id)
    {
        using var rsa = RSA.Create(2048);
        return TokenForge.Rsa(rsa, id);
    }
}
