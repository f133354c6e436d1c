using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using EventAuth.Adapters.Settings;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Oidc;
using EventAuth.Services.Tests.Settings;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Bearer;

public sealed class KeySourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("eventauth-keys-").FullName;
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly TokenForge _forge = new();

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        _rsa.Dispose();
        _forge.Dispose();
    }

    // Files and issuers with names that are no address: a service account's keys, for example.
    [StoreTheory]
    [InlineData("jwksFile", "")]
    [InlineData("publicKeyFile", "PUBLIC KEY")]
    [InlineData("publicKeyFile", "RSA PUBLIC KEY")]
    public async Task Keys_come_from_a_file(string setting, string label)
    {
        var file = Write(label switch
        {
            "PUBLIC KEY" => _rsa.ExportSubjectPublicKeyInfoPem(),
            "RSA PUBLIC KEY" => _rsa.ExportRSAPublicKeyPem(),
            _ => TokenForge.Set(TokenForge.Rsa(_rsa, "file-key")),
        });
        await using var store = await TestStore.CreateAsync("key_file");
        await using var world = await World.StartAsync(store, settings: BearerWorld.Settings(
            ("bearer.issuers.0.issuer", "urn:batch"), ($"bearer.issuers.0.{setting}", file)));

        Assert.Equal(HttpStatusCode.OK, await world.StatusAsync(Sign("file-key")));
        Assert.Equal(HttpStatusCode.Unauthorized, await world.StatusAsync(world.Idp.Token("robot", c => c["iss"] = "urn:batch")));
    }

    [StoreFact]
    public async Task Keys_come_from_an_address_and_several_issuers_have_their_own()
    {
        await using var store = await TestStore.CreateAsync("key_address");
        await using var world = await World.StartAsync(store, settings: BearerWorld.Settings(
            ("bearer.issuers.1.issuer", "urn:other"), ("bearer.issuers.1.audiences", "urn:other-api"), ("bearer.issuers.1.jwksUrl", "{idp}/jwks")));

        Assert.Equal(HttpStatusCode.OK, await world.StatusAsync(world.Idp.Token("robot")));
        Assert.Equal(HttpStatusCode.OK, await world.StatusAsync(world.Idp.Token("robot", c => (c["iss"], c["aud"]) = ("urn:other", "urn:other-api"))));

        // Each issuer has its own audience: the key alone opens nothing.
        Assert.Equal(HttpStatusCode.Unauthorized, await world.StatusAsync(world.Idp.Token("robot", c => c["iss"] = "urn:other")));
        Assert.Equal(HttpStatusCode.Unauthorized, await world.StatusAsync(world.Idp.Token("robot", c => c["iss"] = "urn:third")));
    }

    [StoreFact]
    public async Task While_keys_cannot_be_had_a_token_is_neither_good_nor_bad()
    {
        await using var store = await TestStore.CreateAsync("key_away");
        await using var world = await World.StartAsync(store, settings: BearerWorld.Settings(
            ("bearer.issuers.1.issuer", "urn:other"), ("bearer.issuers.1.audiences", BearerWorld.Api), ("bearer.issuers.1.jwksUrl", "{idp}/jwks")));
        world.Idp.Always(StubEndpoint.Keys, StubAnswer.Text(500, ""));

        using var answer = await world.CallAsync(world.Idp.Token("robot", c => c["iss"] = "urn:other"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
    }

    [StoreFact]
    public async Task Applications_that_must_not_see_tokens_get_an_empty_header_in_their_place()
    {
        await using var store = await TestStore.CreateAsync("withheld");
        await using var world = await World.StartAsync(store, settings: BearerWorld.Settings(("bearer.withholdAuthorization", "true")));

        using var answer = await world.CallAsync(world.Idp.Token("robot"));

        Assert.Equal("", answer.Headers.GetValues("Authorization").Single());
    }

    [Theory]
    [InlineData("bearer.issuers.0.audiences", "", "audiences: is missing")]
    [InlineData("bearer.issuers.0.issuer", "urn:x", "can't be found")]
    [InlineData("bearer.issuers.0.issuer", "http://idp.test", "can't be found")]
    [InlineData("bearer.issuers.0.jwksUrl", "http://idp.test/keys", "must be an https URL")]
    [InlineData("bearer.issuers.0.jwksFile", "/nowhere/keys.json", "keys.json")]
    [InlineData("bearer.issuers.0.signingAlgorithms", "HS256", "'HS256' is not accepted")]
    [InlineData("bearer.issuers.0.signingAlgorithms", "none", "'none' is not accepted")]
    [InlineData("bearer.issuers.0.types", "logout+jwt", "neither at+jwt")]
    [InlineData("bearer.issuers.0.maxTokenAge", "0s", "too short")]
    [InlineData("bearer.issuers.0.clockSkew", "1h", "too long")]
    [InlineData("bearer.issuers.0.claims.0.claim", "tenant", "needs exactly one of equals")]
    [InlineData("bearer.issuers.0.introspection.clientId", "x", "introspection.url: is missing")]
    [InlineData("bearer.issuers.0.audience", "x", "is not a setting; did you mean")]
    [InlineData("bearer.realm", "a\"b", "without quotes")]
    public void What_cannot_be_meant_stops_the_start(string setting, string value, string expected)
    {
        var settings = BearerSettingsOf("https://idp.test");
        settings[setting] = value;

        Assert.Contains(expected, Assert.Throws<SettingsException>(() => SettingsRules.Read(settings)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_private_key_where_a_public_one_belongs_stops_the_start()
    {
        var settings = BearerSettingsOf("urn:x");
        settings["bearer.issuers.0.publicKeyFile"] = Write(_rsa.ExportPkcs8PrivateKeyPem());

        Assert.Contains("holds a private key", Assert.Throws<SettingsException>(() => SettingsRules.Read(settings)).Message, StringComparison.Ordinal);
    }

    // A token that is no JWT does not say whose it is: it would be shown to one issuer after the other.
    [Fact]
    public void Only_one_issuer_can_be_asked_about_opaque_tokens()
    {
        var settings = BearerSettingsOf("https://idp.test");
        foreach (var i in new[] { "0", "1" })
        {
            settings[$"bearer.issuers.{i}.issuer"] = $"https://idp{i}.test";
            settings[$"bearer.issuers.{i}.audiences"] = BearerWorld.Api;
            settings[$"bearer.issuers.{i}.introspection.url"] = $"https://idp{i}.test/introspect";
            settings[$"bearer.issuers.{i}.introspection.clientId"] = "gate";
            settings[$"bearer.issuers.{i}.introspection.clientSecret"] = "secret";
        }

        Assert.Contains("only one issuer can have introspection", Assert.Throws<SettingsException>(() => SettingsRules.Read(settings)).Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> BearerSettingsOf(string issuer)
    {
        var settings = new Dictionary<string, string>(SettingsTests.Smallest, StringComparer.OrdinalIgnoreCase);
        settings["bearer.issuers.0.issuer"] = issuer;
        settings["bearer.issuers.0.audiences"] = BearerWorld.Api;
        return settings;
    }

    private string Write(string text)
    {
        var file = Path.Combine(_folder, "keys");
        File.WriteAllText(file, text);
        return file;
    }

    private string Sign(string keyId)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var input = Encode($$"""{"alg":"RS256","kid":"{{keyId}}","typ":"at+jwt"}""") + "."
            + Encode($$"""{"iss":"urn:batch","aud":"{{BearerWorld.Api}}","sub":"job","iat":{{now}},"exp":{{now + 60}}}""");
        return input + "." + Base64Url.EncodeToString(
            _rsa.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
