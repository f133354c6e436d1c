using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using EventAuth.Adapters.Oidc;
using EventAuth.Domain.Logout;
using EventAuth.Domain.Tests.Fuzz;
using EventAuth.Services.Tests.Oidc;

namespace EventAuth.Services.Tests.Fuzz;

/// <summary>Any token: no exception, and none but the very ones that the IdP signed is verified.</summary>
public sealed class TokenFuzzTests : IDisposable
{
    private const int Rounds = 60_000;
    private static readonly string[] Algorithms = ["RS256", "PS256", "ES256"];
    private readonly TokenForge _forge = new();

    [Fact]
    public void No_changed_token_is_verified()
    {
        var keys = ProviderKeys.Parse(Encoding.UTF8.GetBytes(TokenForge.Set(_forge.RsaKey(), _forge.EcKey())))!;
        string[] signed =
        [
            _forge.Rs256(TokenForge.GoodHeader, """{"iss":"https://op.example.test","aud":"gateway-client","sub":"alice","iat":1767225600,"exp":1767229200}"""),
            _forge.Rs256("""{"alg":"RS256","kid":"k1","typ":"logout+jwt"}""", """{"iss":"https://op.example.test","sub":"bob","events":{"http://schemas.openid.net/event/backchannel-logout":{}}}"""),
            _forge.Rs256("""{"alg":"RS256","typ":"at+jwt"}""", """{"sub":"carol","scope":"read"}"""),
            _forge.Ps256("""{"alg":"PS256","kid":"k1"}""", """{"sub":"dave"}"""), _forge.Es256("""{"alg":"ES256","kid":"e1"}""", """{"sub":"erin"}"""),
        ];
        Assert.All(signed, t => Assert.True(IsVerified(t, keys)));
        var right = signed.ToHashSet();
        string[] corpus = [.. signed, _forge.Hs256("""{"alg":"HS256","kid":"k1"}""", "{}"), .. Bearers(), .. Corpus.Read("jwt").Select(f => Encoding.Latin1.GetString(f.Bytes))];

        FuzzRun.Run(Rounds, corpus, m => m.OneIn(2) ? m.Change(m.Pick(signed)) : m.Text(), token => Assert.True(!IsVerified(token, keys) || right.Contains(token)));
    }

    // Header and payload are changed before they are encoded: the form is right, so the fuzz reaches what stands behind it.
    [Fact]
    public void No_header_or_payload_in_a_good_form_is_verified_by_a_signature_of_another()
    {
        var keys = ProviderKeys.Parse(Encoding.UTF8.GetBytes(TokenForge.Set(_forge.RsaKey())))!;
        string[] json = [TokenForge.GoodHeader, """{"alg":"RS256","kid":"k1","crit":["b64"],"b64":false}""", """{"iss":"a","aud":["b"],"sub":"c","iat":1}"""];
        var signature = _forge.Rs256(TokenForge.GoodHeader, json[2]).Split('.')[2];
        FuzzRun.Run(Rounds, json, m => $"{Encode(m.OneIn(2) ? json[0] : m.Text())}.{Encode(m.Text())}.{signature}", token =>
            Assert.True(!IsVerified(token, keys) || token == $"{Encode(json[0])}.{Encode(json[2])}.{signature}"));
    }

    [Fact]
    public void What_strict_JSON_lets_through_has_one_meaning()
    {
        string[] corpus =
        [
            """{"iss":"https://op.example.test","aud":["a","b"],"iat":1767225600,"events":{"http://schemas.openid.net/event/backchannel-logout":{}}}""",
            """{"a":{"b":[1,2.5,-1e3,true,false,null,"\u00e4\ud83d\ude00"]},"c":""}""", """{"a":1,"a":2}""", """{"\u0061":1,"a":2}""", "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
            .. Corpus.Read("json", "jwks", "metadata").Select(f => Encoding.Latin1.GetString(f.Bytes)),
        ];
        var accepted = 0;
        FuzzRun.Run(Rounds, corpus, m => m.OneIn(50) ? m.Pick(corpus) : m.Text(), text =>
        {
            if (!StrictJson.TryParse(Encoding.Latin1.GetBytes(text), out var root))
            {
                return;
            }

            accepted++;
            AssertNamesAreDistinct(root);

            // Another reader, which knows no strictness, understands it too, and once more gives the same.
            Assert.True(StrictJson.TryParse(Encoding.UTF8.GetBytes(root.GetRawText()), out _));
            Assert.Equal(root.ValueKind is JsonValueKind.Null, System.Text.Json.Nodes.JsonNode.Parse(root.GetRawText()) is null);
        });
        Assert.True(accepted > 0);
    }

    [Fact]
    public void No_claims_make_the_rules_of_logout_tokens_stumble_or_accept_another_issuer()
    {
        var noon = FixedIdp.Noon;
        var at = noon.ToUnixTimeSeconds();
        string[] corpus =
        [
            $$"""{"iss":"https://op.example.test","aud":"gateway-client","sub":"alice","sid":"s1","iat":{{at}},"exp":{{at + 120}},"jti":"j1","events":{"http://schemas.openid.net/event/backchannel-logout":{} } }""",
            $$"""{"iss":"https://op.example.test","aud":["gateway-client"],"sub":"bob","iat":{{at}},"exp":{{at + 120}},"jti":"j2","events":{"http://schemas.openid.net/event/backchannel-logout":{} } }""",
        ];
        var header = JsonDocument.Parse("""{"alg":"RS256","typ":"logout+jwt"}""").RootElement;
        var expected = new LogoutTokenExpectations(FixedIdp.Issuer, FixedIdp.ClientId, RequireType: false, RequireExpiry: true);
        var accepted = 0;
        FuzzRun.Run(Rounds, corpus, m => m.OneIn(100) ? m.Pick(corpus) : m.Text(), text =>
        {
            if (!StrictJson.TryParse(Encoding.UTF8.GetBytes(text), out var claims)
                || LogoutTokenRules.Check(header, claims, expected, noon) is not LogoutTokenVerdict.Accepted)
            {
                return;
            }

            accepted++;
            Assert.Equal(FixedIdp.Issuer, claims.GetProperty("iss").GetString());
            var audience = claims.GetProperty("aud");
            Assert.Contains("gateway-client", audience.ValueKind == JsonValueKind.Array ? audience.EnumerateArray().Select(a => a.GetString()) : [audience.GetString()]);
            Assert.Equal(JsonValueKind.Object, claims.GetProperty("events").GetProperty("http://schemas.openid.net/event/backchannel-logout").ValueKind);
            Assert.False(claims.TryGetProperty("nonce", out _));
            Assert.InRange(claims.GetProperty("iat").GetDouble(), at - 361, at + 61);
        });
        Assert.True(accepted > 0);
    }

    public void Dispose() => _forge.Dispose();

    private static bool IsVerified(string token, ProviderKeys keys) =>
        StrictJws.Parse(token, Algorithms) is JwsParse.Parsed parsed && StrictJws.Verify(parsed.Jws, keys) is JwsResult.Verified;

    private static IEnumerable<string> Bearers() => Oidc.Vectors.Read("bcl-vectors.json").GetProperty("cases").EnumerateArray()
        .Select(c => c.TryGetProperty("token", out var token) && token.ValueKind == JsonValueKind.String ? token.GetString()! : "")
        .Where(t => t.Length is > 0 and < 4000);

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.Latin1.GetBytes(text));

    private static void AssertNamesAreDistinct(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Object)
        {
            Assert.Distinct(element.EnumerateObject().Select(p => p.Name));
            Assert.All(element.EnumerateObject(), p => AssertNamesAreDistinct(p.Value));
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            Assert.All(element.EnumerateArray(), AssertNamesAreDistinct);
        }
    }
}
