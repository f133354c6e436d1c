using System.Text.Json;
using System.Text.Json.Nodes;
using EventAuth.Domain.Logout;

namespace EventAuth.Domain.Tests.Logout;

/// <summary>Back-Channel Logout 1.0, 2.4 and 2.6, claim by claim. The signature has been verified before.</summary>
public sealed class LogoutTokenRulesTests
{
    private const string Event = "http://schemas.openid.net/event/backchannel-logout";

    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly LogoutTokenExpectations Compat = new("https://op.example.test", "gateway", RequireType: false, RequireExpiry: true);
    private static readonly LogoutTokenExpectations Strict = Compat with { RequireType = true };

    [Fact]
    public void A_token_with_sub_and_sid_is_accepted_with_both()
    {
        var accepted = Assert.IsType<LogoutTokenVerdict.Accepted>(Check("{}"));

        Assert.Equal(("lt-1", "alice", "sid-1"), (accepted.Jti, accepted.Sub, accepted.Sid));
        Assert.Equal((Noon, Noon.AddSeconds(120)), (accepted.IssuedAt, accepted.ExpiresAt));
    }

    [Theory]
    [InlineData("sid alone names one session", """{"sub":null}""")]
    [InlineData("sub alone names all sessions of a person", """{"sid":null}""")]
    [InlineData("claims we don't know are ignored", """{"ignored_claim":{"a":[1]}}""")]
    [InlineData("aud may be a list of one", """{"aud":["gateway"]}""")]
    [InlineData("azp may name us", """{"azp":"gateway"}""")]
    [InlineData("the event may have content", """{"events":{"http://schemas.openid.net/event/backchannel-logout":{"x":1}}}""")]
    [InlineData("iat may be 60 s in the future", """{"iat":1767268860,"exp":1767268900}""")]
    [InlineData("iat may be 300 s old", """{"iat":1767268500}""")]
    [InlineData("exp may have passed 59 s ago", """{"exp":1767268741,"iat":1767268700}""")]
    [InlineData("times may have fractions", """{"iat":1767268799.5,"exp":1767268920.25}""")]
    [InlineData("nbf may have come", """{"nbf":1767268800}""")]
    [InlineData("sub may have 255 characters of any script", """{"sub":"'; drop table éüß 漢字"}""")]
    public void It_is_accepted_when(string reason, string change)
    {
        Assert.NotEmpty(reason);
        Assert.IsType<LogoutTokenVerdict.Accepted>(Check(change));
    }

    [Theory]
    [InlineData("iss is missing", """{"iss":null}""", "iss")]
    [InlineData("iss has more at its end", """{"iss":"https://op.example.testINVALID"}""", "iss")]
    [InlineData("iss has a slash at its end", """{"iss":"https://op.example.test/"}""", "iss")]
    [InlineData("iss has another case", """{"iss":"https://OP.example.test"}""", "iss")]
    [InlineData("iss is http", """{"iss":"http://op.example.test"}""", "iss")]
    [InlineData("iss is a list", """{"iss":["https://op.example.test"]}""", "iss")]
    [InlineData("iss is empty", """{"iss":""}""", "iss")]
    [InlineData("aud is missing", """{"aud":null}""", "aud")]
    [InlineData("aud is another client", """{"aud":"gatewayINVALID"}""", "aud")]
    [InlineData("aud is empty", """{"aud":[]}""", "aud")]
    [InlineData("aud is a list without us", """{"aud":["other"]}""", "aud")]
    [InlineData("aud names an untrusted client beside us", """{"aud":["gateway","other"]}""", "aud")]
    [InlineData("aud is an object", """{"aud":{"gateway":1}}""", "aud")]
    [InlineData("aud is a number", """{"aud":[123]}""", "aud")]
    [InlineData("aud has another case", """{"aud":"GATEWAY"}""", "aud")]
    [InlineData("azp is another client", """{"azp":"other"}""", "aud")]
    [InlineData("azp is no text", """{"azp":1}""", "aud")]
    [InlineData("iat is missing", """{"iat":null}""", "iat")]
    [InlineData("iat is text", """{"iat":"1767268800"}""", "iat")]
    [InlineData("iat is 61 s in the future", """{"iat":1767268861,"exp":1767268900}""", "iat-future")]
    [InlineData("iat is 301 s old", """{"iat":1767268499}""", "iat-old")]
    [InlineData("iat is beyond all dates", """{"iat":1e300}""", "iat")]
    [InlineData("iat is negative", """{"iat":-1}""", "iat")]
    [InlineData("exp is missing", """{"exp":null}""", "exp")]
    [InlineData("exp passed 60 s ago", """{"exp":1767268740,"iat":1767268700}""", "exp-passed")]
    [InlineData("exp is text", """{"exp":"1767268920"}""", "exp")]
    [InlineData("exp is beyond all dates, not never", """{"exp":1e300}""", "exp")]
    [InlineData("exp is before iat", """{"exp":1767268799}""", "exp-before-iat")]
    [InlineData("nbf is to come", """{"nbf":1767268861}""", "nbf")]
    [InlineData("nbf is text", """{"nbf":"0"}""", "nbf")]
    [InlineData("sub and sid are missing", """{"sub":null,"sid":null}""", "sub-sid-missing")]
    [InlineData("sub is empty", """{"sub":"","sid":null}""", "sub-sid")]
    [InlineData("sid is empty", """{"sid":"","sub":null}""", "sub-sid")]
    [InlineData("sub is a number though sid is good", """{"sub":1}""", "sub-sid")]
    [InlineData("sid is an object though sub is good", """{"sid":{}}""", "sub-sid")]
    [InlineData("events is missing", """{"events":null}""", "events")]
    [InlineData("events is text", """{"events":"x"}""", "events")]
    [InlineData("events is a list", """{"events":["http://schemas.openid.net/event/backchannel-logout"]}""", "events")]
    [InlineData("events is a number", """{"events":1}""", "events")]
    [InlineData("events is true", """{"events":true}""", "events")]
    [InlineData("events has another member", """{"events":{"http://schemas.openid.net/event/foobar":{}}}""", "events")]
    [InlineData("the event is https", """{"events":{"https://schemas.openid.net/event/backchannel-logout":{}}}""", "events")]
    [InlineData("the event is text", """{"events":{"http://schemas.openid.net/event/backchannel-logout":""}}""", "events")]
    [InlineData("the event is a list", """{"events":{"http://schemas.openid.net/event/backchannel-logout":[]}}""", "events")]
    [InlineData("the event is a number", """{"events":{"http://schemas.openid.net/event/backchannel-logout":0}}""", "events")]
    [InlineData("the event is true", """{"events":{"http://schemas.openid.net/event/backchannel-logout":true}}""", "events")]
    [InlineData("the event stands beside events", """{"events":null,"http://schemas.openid.net/event/backchannel-logout":{}}""", "events")]
    [InlineData("there is a nonce", """{"nonce":"abc"}""", "nonce")]
    [InlineData("there is an empty nonce", """{"nonce":""}""", "nonce")]
    [InlineData("there is a nonce of another type", """{"nonce":{}}""", "nonce")]
    [InlineData("jti is missing", """{"jti":null}""", "jti")]
    [InlineData("jti is empty", """{"jti":""}""", "jti")]
    [InlineData("jti is a number", """{"jti":1}""", "jti")]
    public void It_is_refused_when(string reason, string change, string rule)
    {
        Assert.NotEmpty(reason);
        Assert.Equal(rule, RuleOf(Check(change)));
    }

    [Theory]
    [InlineData("""{"nonce":null}""", "nonce")]
    [InlineData("""{"sub":null}""", "sub-sid")]
    [InlineData("""{"events":{"http://schemas.openid.net/event/backchannel-logout":null}}""", "events")]
    public void A_JSON_null_is_there_and_is_not_what_is_wanted(string member, string rule)
    {
        // The trap: typeof null is "object", and a reader that maps null to "missing" lets a nonce pass.
        var claims = Element("""
            {"iss":"https://op.example.test","aud":"gateway","iat":1767268800,"exp":1767268920,"jti":"lt-1","sid":"sid-1"
            """ + (member.Contains("events", StringComparison.Ordinal) ? "," : $$$""","events":{"{{{Event}}}":{}},""") + member[1..]);

        Assert.Equal(rule, RuleOf(LogoutTokenRules.Check(Element("{}"), claims, Compat, Noon)));
    }

    [Theory]
    [InlineData("sub")]
    [InlineData("sid")]
    [InlineData("jti")]
    public void Identifiers_have_at_most_255_characters(string claim)
    {
        Assert.IsType<LogoutTokenVerdict.Accepted>(Check($$"""{"{{claim}}":"{{new string('x', 255)}}"}"""));
        Assert.IsType<LogoutTokenVerdict.Refused>(Check($$"""{"{{claim}}":"{{new string('x', 256)}}"}"""));
    }

    [Theory]
    [InlineData("""{"typ":"logout+jwt"}""", true, true)]
    [InlineData("""{"typ":"LOGOUT+JWT"}""", true, true)]
    [InlineData("""{"typ":"application/logout+jwt"}""", true, true)]
    [InlineData("""{}""", true, false)]
    [InlineData("""{"typ":"JWT"}""", true, false)]
    [InlineData("""{"typ":""}""", false, false)]
    [InlineData("""{"typ":7}""", false, false)]
    [InlineData("""{"typ":"at+jwt"}""", false, false)]
    [InlineData("""{"typ":"secevent+jwt"}""", false, false)]
    [InlineData("""{"typ":"dpop+jwt"}""", false, false)]
    [InlineData("""{"typ":"JOSE"}""", false, false)]
    [InlineData("""{"typ":"logout+jwt;x=1"}""", false, false)]
    [InlineData("""{"typ":" logout+jwt"}""", false, false)]
    public void Typ_says_logout_or_in_compatibility_nothing(string header, bool compat, bool strict)
    {
        Assert.Equal(compat ? "" : "typ", RuleOf(Check("{}", Compat, header)));
        Assert.Equal(strict ? "" : "typ", RuleOf(Check("{}", Strict, header)));
    }

    [Fact]
    public void Without_exp_an_older_IdP_is_bound_by_the_age_of_iat()
    {
        var lenient = Compat with { RequireExpiry = false };

        var accepted = Assert.IsType<LogoutTokenVerdict.Accepted>(Check("""{"exp":null}""", lenient));

        Assert.Equal(Noon + LogoutTokenRules.MaxAge, accepted.ExpiresAt);
        Assert.Equal("iat-old", RuleOf(Check("""{"exp":null,"iat":1767268499}""", lenient)));
    }

    [Fact]
    public void An_id_need_not_be_remembered_longer_than_the_token_could_be_used()
    {
        // exp in the year 2999: a replay store that trusts it would grow for ever.
        var accepted = Assert.IsType<LogoutTokenVerdict.Accepted>(Check("""{"exp":32472144000}"""));

        Assert.Equal(Noon + LogoutTokenRules.MaxAge, accepted.ExpiresAt);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("{}")]
    public void What_Keycloak_says_of_offline_access_is_heard_when_it_says_true(string value)
    {
        var accepted = Assert.IsType<LogoutTokenVerdict.Accepted>(
            Check($$$"""{"events":{"{{{Event}}}":{},"revoke_offline_access":{{{value}}}}}"""));
        Assert.Equal(value == "true", accepted.RevokesOfflineAccess);
    }

    [Fact]
    public void Only_beside_the_event_it_is_a_word_about_offline_access() =>
        Assert.False(Assert.IsType<LogoutTokenVerdict.Accepted>(
            Check($$$"""{"revoke_offline_access":true,"events":{"{{{Event}}}":{"revoke_offline_access":true} } }""")).RevokesOfflineAccess);

    [Theory]
    [InlineData("""{"sub":"a\u0000"}""", "sub-sid")]
    [InlineData("""{"sid":"a\u0000"}""", "sub-sid")]
    [InlineData("""{"jti":"a\u0000"}""", "jti")]
    public void An_identifier_that_cannot_be_stored_is_refused(string change, string rule) => Assert.Equal(rule, RuleOf(Check(change)));

    [Fact]
    public void What_is_no_object_is_refused() =>
        Assert.Equal("format", RuleOf(LogoutTokenRules.Check(Element("{}"), Element("[]"), Compat, Noon)));

    private static LogoutTokenVerdict Check(string change) => Check(change, Compat, """{"typ":"logout+jwt"}""");

    private static LogoutTokenVerdict Check(string change, LogoutTokenExpectations expected, string header = "{}") =>
        LogoutTokenRules.Check(Element(header), Claims(change), expected, Noon);

    // A null in the change removes the claim.
    private static JsonElement Claims(string change)
    {
        var claims = new JsonObject
        {
            ["iss"] = "https://op.example.test",
            ["aud"] = "gateway",
            ["iat"] = Noon.ToUnixTimeSeconds(),
            ["exp"] = Noon.ToUnixTimeSeconds() + 120,
            ["jti"] = "lt-1",
            ["sub"] = "alice",
            ["sid"] = "sid-1",
            ["events"] = new JsonObject { [Event] = new JsonObject() },
        };
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject().ToList())
        {
            claims.Remove(name);
            if (value is not null)
            {
                claims[name] = value.DeepClone();
            }
        }

        return Element(claims.ToJsonString());
    }

    private static JsonElement Element(string json) => JsonDocument.Parse(json).RootElement;

    private static string RuleOf(LogoutTokenVerdict verdict) => verdict is LogoutTokenVerdict.Refused refused ? refused.Rule : "";
}
