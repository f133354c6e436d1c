using System.Net;
using System.Text;
using System.Web;
using EventAuth.Adapters.Oidc;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>An IdP whose name browsers know and whose address is another one from here (<c>providers[].metadataUrl</c>).</summary>
public sealed class MetadataUrlTests
{
    private const string Public = "https://id.example.test";

    [Fact]
    public async Task Discovery_keys_and_codes_go_to_the_place_that_is_reachable_and_tokens_bear_the_public_name()
    {
        await using var session = await StubSession.StartAsync();
        Rename(session.Idp);
        using var directory = ProviderDirectory.Build(
            [session.Directory.Default.Settings with { Issuer = Public, MetadataUrl = new Uri(session.Idp.Issuer + "/.well-known/openid-configuration") }],
            session.Clock);

        var url = await directory.Default.Client.AuthorizationUrlAsync(new AuthorizationRequest("http://localhost/cb", "s", "n", "c"), default);
        var keys = await directory.Default.Metadata.KeysAsync(default);

        Assert.Equal(new Uri(Public).Host, url.Host);
        Assert.True(keys.Count > 0);
        Assert.NotNull(directory.Find(Public));
        Assert.Equal(1, session.Idp.Log.Count(StubEndpoint.Discovery));
        Assert.Equal(1, session.Idp.Log.Count(StubEndpoint.Keys));
    }

    // Mix-up: whoever serves the document at another place could otherwise speak for any issuer.
    [Theory]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("https://id.example.test/")]
    [InlineData("https://ID.example.test")]
    public async Task The_document_there_must_still_be_the_issuer_s_byte_for_byte(string issuer) =>
        Assert.Equal("issuer_mismatch", (await Assert.ThrowsAsync<ProviderUnavailableException>(
            () => Metadata("http://127.0.0.1:1/meta", issuer, "http://127.0.0.1:1/jwks").EndpointsAsync(default))).Error);

    // Server-side request forgery: the place of the document widens what it may name by that place, and by nothing else.
    [Theory]
    [InlineData("http://127.0.0.1:1/meta", "http://127.0.0.1:2/jwks", true)]
    [InlineData("http://127.0.0.1:1/meta", "https://id.example.test/jwks", true)]
    [InlineData("http://127.0.0.1:1/meta", "http://id.example.test/jwks", false)]
    [InlineData("http://127.0.0.1:1/meta", "http://169.254.169.254/jwks", false)]
    [InlineData("http://127.0.0.1:1/meta", "https://169.254.169.254/jwks", false)]
    [InlineData("https://10.1.2.3/meta", "https://10.1.2.3/jwks", true)]
    [InlineData("https://10.1.2.3/meta", "https://10.1.2.4/jwks", false)]
    [InlineData("https://10.1.2.3/meta", "http://10.1.2.3/jwks", false)]
    [InlineData("https://10.1.2.3/meta", "http://127.0.0.1/jwks", false)]
    [InlineData("https://idp.internal/meta", "https://localhost/jwks", false)]
    public async Task Its_endpoints_are_https_or_on_this_machine_when_it_is_too(string source, string keys, bool sound)
    {
        var metadata = Metadata(source, Public, keys);

        if (sound)
        {
            Assert.Equal(new Uri(keys), (await metadata.EndpointsAsync(default)).Keys);
        }
        else
        {
            Assert.Equal("endpoint_refused", (await Assert.ThrowsAsync<ProviderUnavailableException>(() => metadata.EndpointsAsync(default))).Error);
        }
    }

    [Fact]
    public async Task A_longest_age_of_the_sign_in_is_asked_for_and_checked()
    {
        await using var session = await StubSession.StartAsync(change: s => s with { MaxAge = TimeSpan.FromMinutes(30) });

        var url = await session.Client.AuthorizationUrlAsync(new AuthorizationRequest("http://localhost/cb", "s", "n", "c"), default);
        var exchange = await session.SignInAsync();

        // This IdP does not say when the person signed in.
        Assert.Equal("1800", HttpUtility.ParseQueryString(url.Query)["max_age"]);
        Assert.Equal("auth_time-old", Assert.IsType<CodeExchange.IdTokenRefused>(exchange).Rule);
    }

    private static ProviderMetadata Metadata(string source, string issuer, string keys) =>
        new(Public, new HttpClient(new Canned(issuer, keys)), new ManualClock(FixedIdp.Noon), new Uri(source));

    private static void Rename(StubProvider idp) => idp.Always(StubEndpoint.Discovery, StubAnswer.Json(200, new
    {
        issuer = Public,
        authorization_endpoint = Public + "/authorize",
        token_endpoint = idp.Issuer + "/token",
        jwks_uri = idp.Issuer + "/jwks",
    }));

    private sealed class Canned(string issuer, string keys) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent($$"""
                    {"issuer":"{{issuer}}","jwks_uri":"{{keys}}","authorization_endpoint":"{{Public}}/a","token_endpoint":"{{Public}}/t"}
                    """, Encoding.UTF8, "application/json"),
            });
    }
}
