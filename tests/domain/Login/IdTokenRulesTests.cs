using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EventAuth.Domain.Login;

namespace EventAuth.Domain.Tests.Login;

/// <summary>OpenID Connect Core 3.1.3.7 and 12.2, claim by claim. The signature has been verified before.</summary>
public sealed class IdTokenRulesTests
{
    private const string AccessToken = "at-1";

    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly IdTokenExpectations Login = IdTokenExpectations.ForLogin("https://op.example.test", "gateway", "n-1", AccessToken);
    private static readonly IdTokenExpectations Refresh = IdTokenExpectations.ForRefresh("https://op.example.test", "gateway", "alice", AccessToken);

    [Fact]
    public void A_good_token_tells_who_signed_in()
    {
        var claims = Assert.IsType<IdTokenVerdict.Accepted>(Check("{}", Login)).Claims;

        Assert.Equal(("https://op.example.test", "alice", "sid-1"), (claims.Issuer, claims.Sub, claims.Sid));
        Assert.Equal((Noon, Noon.AddSeconds(300)), (claims.IssuedAt, claims.ExpiresAt));
        Assert.Equal("alice@example.test", claims.All.GetProperty("email").GetString());
    }

    [Theory]
    [InlineData("aud is a list of one", """{"aud":["gateway"]}""")]
    [InlineData("sid is missing", """{"sid":null}""")]
    [InlineData("azp is us", """{"azp":"gateway"}""")]
    [InlineData("iat is 10 min old", """{"iat":1767268200}""")]
    [InlineData("exp passed 59 s ago", """{"exp":1767268741}""")]
    public void It_is_accepted_when(string reason, string change)
    {
        Assert.NotEmpty(reason);
        Assert.Equal("", RuleOf(Check(change, Login)));
    }

    [Theory]
    [InlineData("iss is wrong", """{"iss":"https://op.example.test/"}""", "iss")]
    [InlineData("iss is missing", """{"iss":null}""", "iss")]
    [InlineData("aud is missing", """{"aud":null}""", "aud")]
    [InlineData("aud is wrong", """{"aud":"other"}""", "aud")]
    [InlineData("aud has an untrusted client beside us", """{"aud":["gateway","other"],"azp":"gateway"}""", "aud")]
    [InlineData("azp is another client", """{"azp":"other"}""", "aud")]
    [InlineData("sub is missing", """{"sub":null}""", "sub")]
    [InlineData("sub is empty", """{"sub":""}""", "sub")]
    [InlineData("sub is a number", """{"sub":7}""", "sub")]
    [InlineData("sid is a number", """{"sid":7}""", "sid")]
    [InlineData("exp is missing", """{"exp":null}""", "exp")]
    [InlineData("exp is text", """{"exp":"1767269100"}""", "exp")]
    [InlineData("exp passed 60 s ago", """{"exp":1767268740}""", "exp-passed")]
    [InlineData("exp is beyond all dates", """{"exp":1e300}""", "exp")]
    [InlineData("iat is missing", """{"iat":null}""", "iat")]
    [InlineData("iat is in the future", """{"iat":1767268861}""", "iat-future")]
    [InlineData("iat is a week old", """{"iat":1766664000}""", "iat-old")]
    [InlineData("nbf is to come", """{"nbf":1767268861}""", "nbf")]
    [InlineData("auth_time is text", """{"auth_time":"x"}""", "auth_time")]
    [InlineData("nonce is missing although one was sent", """{"nonce":null}""", "nonce")]
    [InlineData("nonce is of another login", """{"nonce":"n-2"}""", "nonce")]
    [InlineData("at_hash is of another access token", """{"at_hash":"AAAAAAAAAAAAAAAAAAAAAA"}""", "at_hash")]
    [InlineData("at_hash is no text", """{"at_hash":1}""", "at_hash")]
    [InlineData("it is a logout token", """{"events":{"http://schemas.openid.net/event/backchannel-logout":{}}}""", "events")]
    public void It_is_refused_when(string reason, string change, string rule)
    {
        Assert.NotEmpty(reason);
        Assert.Equal(rule, RuleOf(Check(change, Login)));
    }

    [Theory]
    [InlineData(255, "")]
    [InlineData(256, "sub")]
    public void Sub_has_at_most_255_characters(int length, string rule) =>
        Assert.Equal(rule, RuleOf(Check($$"""{"sub":"{{new string('x', length)}}"}""", Login)));

    [Theory]
    [InlineData("""{"alg":"RS256"}""", "")]
    [InlineData("""{"alg":"RS256","typ":"JWT"}""", "")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt"}""", "typ")]
    [InlineData("""{"alg":"RS256","typ":"logout+jwt"}""", "typ")]
    public void A_token_of_another_kind_is_no_ID_token(string header, string rule) =>
        Assert.Equal(rule, RuleOf(Check("{}", Login, header)));

    [Theory]
    [InlineData("RS256", 256)]
    [InlineData("ES384", 384)]
    [InlineData("PS512", 512)]
    public void The_hash_of_the_access_token_follows_the_algorithm(string algorithm, int bits)
    {
        var change = $$"""{"at_hash":"{{HalfHash(AccessToken, bits)}}"}""";

        Assert.Equal("", RuleOf(Check(change, Login, $$"""{"alg":"{{algorithm}}"}""")));
        Assert.Equal("at_hash", RuleOf(Check(change, Login with { AccessToken = "at-2" }, $$"""{"alg":"{{algorithm}}"}""")));
    }

    [Theory]
    [InlineData("""{"auth_time":1767268800}""", "")]
    [InlineData("""{"auth_time":1767265141}""", "")]
    [InlineData("""{"auth_time":1767265100}""", "auth_time-old")]
    [InlineData("""{}""", "auth_time-old")]
    public void With_a_maximum_age_the_person_must_have_signed_in_lately(string change, string rule) =>
        Assert.Equal(rule, RuleOf(Check(change, Login with { MaxAge = TimeSpan.FromHours(1) })));

    [Fact]
    public void At_a_refresh_no_nonce_is_needed() => Assert.Equal("", RuleOf(Check("""{"nonce":null}""", Refresh)));

    [Theory]
    [InlineData("""{"sub":"bob"}""", true)]
    [InlineData("""{"iss":"https://other.example.test"}""", true)]
    [InlineData("""{"aud":"other"}""", false)]
    [InlineData("""{"exp":1767268000}""", false)]
    public void At_a_refresh_another_person_or_issuer_is_told_from_other_faults(string change, bool identityChanged) =>
        Assert.Equal(identityChanged, Assert.IsType<IdTokenVerdict.Refused>(Check(change, Refresh)).IdentityChanged);

    [Fact]
    public void Nothing_personal_or_secret_is_shown_in_text()
    {
        var claims = Assert.IsType<IdTokenVerdict.Accepted>(Check("{}", Login)).Claims;

        Assert.DoesNotContain("alice", $"{claims}", StringComparison.Ordinal);
        Assert.DoesNotContain("n-1", $"{Login}", StringComparison.Ordinal);
        Assert.DoesNotContain(AccessToken, $"{Login}", StringComparison.Ordinal);
    }

    private static IdTokenVerdict Check(string change, IdTokenExpectations expected, string header = """{"alg":"RS256"}""")
    {
        var claims = new JsonObject
        {
            ["iss"] = "https://op.example.test",
            ["aud"] = "gateway",
            ["sub"] = "alice",
            ["sid"] = "sid-1",
            ["email"] = "alice@example.test",
            ["nonce"] = "n-1",
            ["iat"] = Noon.ToUnixTimeSeconds(),
            ["exp"] = Noon.ToUnixTimeSeconds() + 300,
        };
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject().ToList())
        {
            claims.Remove(name);
            if (value is not null)
            {
                claims[name] = value.DeepClone();
            }
        }

        return IdTokenRules.Check(
            JsonDocument.Parse(header).RootElement, JsonDocument.Parse(claims.ToJsonString()).RootElement, expected, Noon);
    }

    private static string HalfHash(string text, int bits)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        var hash = bits switch { 256 => SHA256.HashData(bytes), 384 => SHA384.HashData(bytes), _ => SHA512.HashData(bytes) };
        return Base64Url.EncodeToString(hash.AsSpan(0, hash.Length / 2));
    }

    private static string RuleOf(IdTokenVerdict verdict) => verdict is IdTokenVerdict.Refused refused ? refused.Rule : "";
}
