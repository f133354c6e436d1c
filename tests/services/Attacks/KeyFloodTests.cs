using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>TJ4: tokens with made-up key ids make a service fetch the IdP's keys for each of them, until the IdP or the service gives in.</summary>
public sealed class KeyFloodTests(SignedInFixture setup) : IClassFixture<SignedInFixture>
{
    private const int Tokens = 2000;

    [StoreFact]
    public async Task TJ4_two_thousand_made_up_key_ids_cost_at_most_a_few_fetches_and_good_tokens_go_on()
    {
        var webhook = new Uri(setup.World.Logout.Public, "/backchannel-logout");
        Assert.Equal(200, await setup.World.Idp.SendLogoutTokenAsync(webhook, "before", null, CancellationToken.None));
        var fetched = setup.World.Idp.Log.Count(StubEndpoint.Keys);
        var good = setup.World.Idp.LogoutToken("x", null).Split('.');
        var started = TimeProvider.System.GetTimestamp();

        await Parallel.ForAsync(0, Tokens, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, ct) =>
        {
            var header = System.Buffers.Text.Base64Url.EncodeToString(System.Text.Encoding.UTF8.GetBytes($$"""{"alg":"RS256","kid":"made-up-{{i}}","typ":"logout+jwt"}"""));
            Assert.Equal(400, await setup.World.Idp.PostLogoutTokenAsync(webhook, $"{header}.{good[1]}.{good[2]}", ct));
        });

        Assert.Equal(200, await setup.World.Idp.SendLogoutTokenAsync(webhook, "after", null, CancellationToken.None));
        var allowed = 1 + (int)(TimeProvider.System.GetElapsedTime(started) / TimeSpan.FromSeconds(30));
        Assert.InRange(setup.World.Idp.Log.Count(StubEndpoint.Keys) - fetched, 0, allowed);
    }
}
