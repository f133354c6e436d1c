using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Hosting;

/// <summary>The two listeners of a service.</summary>
public sealed class OperationsTests(OperationsTests.Setup setup) : IClassFixture<OperationsTests.Setup>
{
    private static readonly HttpClient Http = new();

    public sealed class Setup : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, revalidator: true);
    }

    private IEnumerable<ServiceUnderTest> Services => [.. setup.World.Gateways, setup.World.Logout, setup.World.Revalidator!];

    [StoreFact]
    public async Task Every_service_tells_how_it_is_on_its_own_address_and_nowhere_else()
    {
        foreach (var service in Services)
        {
            foreach (var path in new[] { "/healthz", "/readyz", "/metrics", "/status" })
            {
                using var operations = await Http.GetAsync(new Uri(service.Operations, path));
                using var open = await Http.GetAsync(new Uri(service.Public, path));

                Assert.Equal(HttpStatusCode.OK, operations.StatusCode);
                Assert.False(open.IsSuccessStatusCode, $"{service.Name} {path} is public");
            }
        }
    }

    [StoreFact]
    public async Task The_status_of_every_service_names_it_and_tells_of_store_and_broker()
    {
        foreach (var service in Services)
        {
            using var status = JsonDocument.Parse(await Http.GetStringAsync(new Uri(service.Operations, "/status")));
            var section = status.RootElement.GetProperty("service");

            Assert.Equal(service.Name, section.GetProperty("instance").GetString());
            Assert.True(section.GetProperty("storeFound").GetBoolean());
            Assert.Equal("not configured", section.GetProperty("broker").GetString());
        }
    }

    [StoreFact]
    public async Task The_operations_address_answers_no_proxy()
    {
        using var answer = await Http.GetAsync(new Uri(setup.World.Gateways[0].Operations, "/verify"));

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [StoreFact]
    public async Task Metrics_are_Prometheus_text_without_names_of_people()
    {
        setup.World.Idp.SignInAs(new StubUser("metrics-person", "metrics-person@example.test"));
        var browser = setup.World.NewBrowser();
        await browser.OpenAsync();
        await setup.World.Idp.SendLogoutTokenAsync(
            new Uri(setup.World.Logout.Public, "/backchannel-logout"), "metrics-person", null, CancellationToken.None);
        await Until.TrueAsync("the revocation was applied", async () => (await MetricsAsync()).Contains("eventauth_revocation_latency_seconds_count 1", StringComparison.Ordinal));

        var text = await MetricsAsync();

        Assert.Contains("# TYPE eventauth_decisions_total counter", text, StringComparison.Ordinal);
        Assert.Matches("eventauth_decisions_total\\{decision=\"allow\"\\} [1-9]", text);
        Assert.Contains("eventauth_revocation_latency_seconds_bucket{le=\"+Inf\"} 1", text, StringComparison.Ordinal);
        Assert.DoesNotContain("metrics-person", text, StringComparison.Ordinal);
    }

    // Traefik keeps two idle connections to its auth server; over TLS it speaks HTTP/2 and needs no more.
    [StoreFact]
    public async Task Over_TLS_the_gateway_speaks_HTTP_2_and_1()
    {
        var folder = Directory.CreateTempSubdirectory("eventauth");
        var ours = WriteCertificate(folder.FullName);
        await using var world = await World.StartAsync(setup.Store, settings: new Dictionary<string, string>
        {
            ["listen.public"] = "https://127.0.0.1:0",
            ["listen.certificateFile"] = Path.Combine(folder.FullName, "certificate.pem"),
            ["listen.keyFile"] = Path.Combine(folder.FullName, "key.pem"),
        });
        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, c, _, _) => c?.GetCertHashString() == ours } });

        foreach (var version in new[] { HttpVersion.Version20, HttpVersion.Version11 })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(world.Gateways[0].Public, "/verify"));
            request.Version = version;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
            request.Headers.Add("X-Forwarded-Method", "GET");
            request.Headers.Add("X-Forwarded-Proto", "http");
            request.Headers.Add("X-Forwarded-Host", World.Host);
            request.Headers.Add("X-Forwarded-Uri", "/public/x");
            using var answer = await client.SendAsync(request);

            Assert.Equal((version, HttpStatusCode.OK), (answer.Version, answer.StatusCode));
        }

        folder.Delete(recursive: true);
    }

    private async Task<string> MetricsAsync() => await Http.GetStringAsync(new Uri(setup.World.Gateways[0].Operations, "/metrics"));

    private static string WriteCertificate(string folder)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddMinutes(-5), now.AddHours(1));
        File.WriteAllText(Path.Combine(folder, "certificate.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());
        return certificate.GetCertHashString();
    }
}
