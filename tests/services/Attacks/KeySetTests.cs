using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Settings;
using EventAuth.Services.Tests.Oidc;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>Key sets that say more, or something else, than they should.</summary>
public sealed class KeySetTests
{
    [Fact]
    public void TJ3_of_two_keys_with_one_id_either_verifies_its_own_signature_and_nobody_elses()
    {
        using var first = new TokenForge();
        using var second = new TokenForge();
        using var third = new TokenForge();
        using var small = RSA.Create(1024);
        var keys = ProviderKeys.Parse(Encoding.UTF8.GetBytes(TokenForge.Set(first.RsaKey(), second.RsaKey(), first.EcKey("k1"), TokenForge.Rsa(small, "k1"))))!;

        Assert.True(IsVerified(first));
        Assert.True(IsVerified(second));
        Assert.False(IsVerified(third));

        bool IsVerified(TokenForge forge) => StrictJws.Verify(
            Assert.IsType<JwsParse.Parsed>(StrictJws.Parse(forge.Rs256(TokenForge.GoodHeader, """{"sub":"alice"}"""), ["RS256"])).Jws, keys) is JwsResult.Verified;
    }

    // An address that was checked once leads by a redirect to one that was not: the metadata service of the machine, for example.
    [Theory]
    [InlineData(HttpStatusCode.MovedPermanently)]
    [InlineData(HttpStatusCode.Found)]
    [InlineData(HttpStatusCode.SeeOther)]
    [InlineData(HttpStatusCode.TemporaryRedirect)]
    [InlineData(HttpStatusCode.PermanentRedirect)]
    public async Task TJ6_a_key_set_that_is_elsewhere_is_not_followed_and_counts_as_none(HttpStatusCode status)
    {
        using var elsewhere = new TcpListener(IPAddress.Loopback, 0);
        elsewhere.Start();
        await using var idp = await StubProvider.StartAsync();
        idp.Always(StubEndpoint.Keys, StubAnswer.Redirect($"http://{elsewhere.LocalEndpoint}/keys") with { Status = (int)status });
        using var providers = ProviderDirectory.Build([new ProviderSettings { Issuer = idp.Issuer, ClientId = "eventauth", ClientSecret = "s" }], TimeProvider.System);

        await Assert.ThrowsAsync<ProviderUnavailableException>(() => providers.Default.Metadata.KeysAsync(default));

        Assert.False(elsewhere.Pending());
        Assert.Equal(1, idp.Log.Count(StubEndpoint.Keys));
    }
}
