using System.Text.Json;
using System.Text.Json.Nodes;
using EventAuth.Domain.Bearer;

namespace EventAuth.Domain.Tests.Bearer;

public sealed class AccessTokenRulesTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly AccessTokenExpectations Expected = new(
        "https://idp.test", ["https://api.test"], ["at+jwt"], [], [], TimeSpan.FromHours(24), TimeSpan.FromSeconds(60));

    [Theory]
    [InlineData("as it should be", "{}", "accepted")]
    [InlineData("one of its audiences is ours", """{"aud":["https://other.test","https://api.test"]}""", "accepted")]
    [InlineData("expired within the skew", """{"exp":-59}""", "accepted")]
    [InlineData("issued within the skew", """{"iat":59}""", "accepted")]
    [InlineData("times with fractions", """{"iat":-0.5,"exp":0.5}""", "accepted")]
    [InlineData("another issuer", """{"iss":"https://idp.test/"}""", "iss")]
    [InlineData("no issuer", """{"iss":null}""", "iss")]
    [InlineData("another audience", """{"aud":"https://api.test/"}""", "aud")]
    [InlineData("no audience", """{"aud":"-"}""", "aud")]
    [InlineData("an audience that is no text among others", """{"aud":["https://api.test",1]}""", "aud")]
    [InlineData("no expiry", """{"exp":"-"}""", "exp")]
    [InlineData("an expiry that is text", """{"exp":"1893499200"}""", "exp")]
    [InlineData("an expiry beyond all time", """{"exp":1e300}""", "exp")]
    [InlineData("expired", """{"exp":-60}""", "exp-passed")]
    [InlineData("expired before it was issued", """{"iat":10,"exp":-51}""", "exp-before-iat")]
    [InlineData("no time of issue", """{"iat":"-"}""", "iat")]
    [InlineData("issued in the future", """{"iat":61,"exp":600}""", "iat-future")]
    [InlineData("issued longer ago than allowed, although it has not expired", """{"iat":-86400}""", "iat-old")]
    [InlineData("not valid yet", """{"nbf":61}""", "nbf")]
    [InlineData("no sub", """{"sub":"-"}""", "sub")]
    [InlineData("an empty sub", """{"sub":""}""", "sub")]
    [InlineData("a sub that is a number", """{"sub":7}""", "sub")]
    [InlineData("an id that is a number", """{"jti":7}""", "sid-jti")]
    [InlineData("an ID token", """{"nonce":"n"}""", "kind")]
    [InlineData("an ID token of a flow with a hash", """{"at_hash":"h"}""", "kind")]
    [InlineData("a logout token", """{"events":{}}""", "kind")]
    [InlineData("an ID token of Keycloak", """{"typ":"ID"}""", "kind")]
    [InlineData("an access token of Keycloak", """{"typ":"Bearer"}""", "accepted")]
    [InlineData("an ID token of Cognito", """{"token_use":"id"}""", "kind")]
    [InlineData("bound to a key that nobody proves", """{"cnf":{"jkt":"x"}}""", "cnf")]
    public void A_token_is_judged_by_its_first_fault(string sentence, string change, string expected)
    {
        var verdict = Check(change);

        Assert.True(expected == Name(verdict), $"{sentence}: {Name(verdict)}");
    }

    // An issuer that types its ID tokens and its access tokens alike ("JWT", or not at all) is an exception to ask for.
    [Theory]
    [InlineData("""{"typ":"at+jwt"}""", "accepted", "accepted")]
    [InlineData("""{"typ":"application/at+jwt"}""", "accepted", "accepted")]
    [InlineData("""{"typ":"AT+JWT"}""", "accepted", "accepted")]
    [InlineData("""{"typ":"JWT"}""", "typ", "accepted")]
    [InlineData("{}", "typ", "accepted")]
    [InlineData("""{"typ":"logout+jwt"}""", "typ", "typ")]
    [InlineData("""{"typ":""}""", "typ", "typ")]
    [InlineData("""{"typ":" at+jwt"}""", "typ", "typ")]
    [InlineData("""{"typ":null}""", "typ", "typ")]
    public void The_type_must_be_that_of_an_access_token(string header, string expected, string whenJwtIsAllowed)
    {
        Assert.Equal(expected, Name(AccessTokenRules.Check(Parse(header), Claims("{}"), Expected, Noon)));
        Assert.Equal(whenJwtIsAllowed, Name(AccessTokenRules.Check(Parse(header), Claims("{}"), Expected with { Types = ["at+jwt", "jwt"] }, Noon)));
    }

    [Theory]
    [InlineData("""{"azp":"spa"}""", "accepted")]
    [InlineData("""{"client_id":"spa"}""", "accepted")]
    [InlineData("""{"azp":"spa","client_id":"other"}""", "azp")]
    [InlineData("""{"azp":"SPA"}""", "azp")]
    [InlineData("{}", "azp")]
    public void Where_clients_are_named_the_token_must_be_one_of_theirs(string change, string expected) =>
        Assert.Equal(expected, Name(Check(change, Expected with { Clients = ["spa"] })));

    [Fact]
    public void What_a_token_says_is_kept_exactly()
    {
        var claims = Assert.IsType<AccessTokenVerdict.Accepted>(Check(
            """{"sid":"s","jti":"j","scope":"read  write","groups":["staff"],"email":"a@b.test","email_verified":true}""")).Claims;

        Assert.Equal(("alice", "s", "j"), (claims.Sub, claims.Sid, claims.Jti));
        Assert.Equal(["read", "write"], claims.Scopes);
        Assert.Equal(["staff"], claims.Person.Groups!);
        Assert.Equal("a@b.test", claims.Person.Email);
        Assert.Equal(Noon.AddSeconds(300 + 60), claims.Until);
        Assert.Equal(Noon.AddSeconds(-10), claims.IssuedAt);
    }

    // A revocation is remembered for as long as the oldest token may be used: a token that says it lives for a year must not.
    [Fact]
    public void No_token_is_used_longer_than_its_greatest_age() => Assert.Equal(
        Noon.AddSeconds(-10).AddHours(24), Assert.IsType<AccessTokenVerdict.Accepted>(Check("""{"exp":31536000}""")).Claims.Until);

    [Theory]
    [InlineData("""{"active":true,"sub":"alice","aud":"https://api.test"}""", "accepted")]
    [InlineData("""{"active":true,"sub":"alice","aud":"https://api.test","token_type":"bEARER"}""", "accepted")]
    [InlineData("""{"active":"true","sub":"alice","aud":"https://api.test"}""", "inactive")]
    [InlineData("""{"active":1,"sub":"alice","aud":"https://api.test"}""", "inactive")]
    [InlineData("{}", "inactive")]
    [InlineData("""{"active":false}""", "inactive")]
    [InlineData("""{"active":true,"aud":"https://api.test"}""", "sub")]
    [InlineData("""{"active":true,"sub":"alice"}""", "aud")]
    [InlineData("""{"active":true,"sub":"alice","aud":"https://other.test"}""", "aud")]
    [InlineData("""{"active":true,"sub":"alice","aud":"https://api.test","iss":"https://evil.test"}""", "iss")]
    [InlineData("""{"active":true,"sub":"alice","aud":"https://api.test","token_type":"DPoP"}""", "token-type")]
    [InlineData("""{"active":true,"sub":"alice","aud":"https://api.test","exp":1}""", "exp-passed")]
    [InlineData("""{"active":true,"sub":"alice","aud":"https://api.test","cnf":{}}""", "cnf")]
    public void What_the_issuer_says_of_an_opaque_token_is_checked_like_a_token(string answer, string expected) => Assert.Equal(
        expected, Name(AccessTokenRules.CheckIntrospected(Parse(answer), Expected, audienceNeeded: true, TimeSpan.FromSeconds(60), Noon)));

    [Fact]
    public void An_answer_about_an_opaque_token_counts_for_a_while_or_until_it_expires()
    {
        DateTimeOffset Until(string exp) => Assert.IsType<AccessTokenVerdict.Accepted>(AccessTokenRules.CheckIntrospected(
            Parse($$"""{"active":true,"sub":"alice","exp":{{exp}}}"""), Expected with { Skew = TimeSpan.Zero }, audienceNeeded: false, TimeSpan.FromSeconds(60), Noon)).Claims.Until;

        Assert.Equal(Noon.AddSeconds(60), Until(Noon.AddHours(1).ToUnixTimeSeconds().ToString(provider: null)));
        Assert.Equal(Noon.AddSeconds(5), Until(Noon.AddSeconds(5).ToUnixTimeSeconds().ToString(provider: null)));
    }

    private static AccessTokenVerdict Check(string change, AccessTokenExpectations? expected = null) =>
        AccessTokenRules.Check(Parse("""{"alg":"RS256","typ":"at+jwt"}"""), Claims(change), expected ?? Expected, Noon);

    // "-" takes a claim out; numbers are seconds from now, but for those that are no sensible ones.
    private static JsonElement Claims(string change)
    {
        var claims = JsonNode.Parse("""{"iss":"https://idp.test","aud":"https://api.test","sub":"alice","iat":-10,"exp":300}""")!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
        {
            claims[name] = value?.DeepClone();
            if (value?.ToJsonString() == "\"-\"")
            {
                claims.Remove(name);
            }
        }

        foreach (var name in new[] { "iat", "exp", "nbf" })
        {
            if (claims[name] is JsonValue time && time.TryGetValue<double>(out var seconds) && seconds < 1e10)
            {
                claims[name] = Noon.ToUnixTimeSeconds() + seconds;
            }
        }

        return Parse(claims.ToJsonString());
    }

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;

    private static string Name(AccessTokenVerdict verdict) => verdict is AccessTokenVerdict.Refused refused ? refused.Rule : "accepted";
}
