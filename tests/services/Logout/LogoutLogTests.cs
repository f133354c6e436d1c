using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Logout;

/// <summary>H27: what the service prints at its most talkative while it is sent everything that must be refused.</summary>
public sealed class LogoutLogTests
{
    private const string Sub = "mallory-of-the-refused-tokens";
    private const string Sid = "sid-of-the-refused-tokens";

    // A log is read by more people than the record, and kept longer: no token, nobody's name in it, and no stack trace that
    // somebody without a key can cause.
    [StoreFact]
    public async Task H27_no_level_of_the_log_shows_a_token_or_whom_a_refused_one_names()
    {
        await using var world = await ProcessWorld.StartAsync("logoutlog", gateways: 0,
            new Dictionary<string, string> { ["log.level"] = "verbose", ["providers.0.frontchannelLogout"] = "true" });
        var tokens = Oidc.Vectors.Read("bcl-vectors.json").GetProperty("cases").EnumerateArray()
            .Select(c => Oidc.Vectors.Text(c, "token")).OfType<string>().Concat(Refused(world.Idp)).ToList();
        foreach (var token in tokens)
        {
            Assert.Equal(400, await world.SendAsync(token));
        }

        using var http = new HttpClient();
        using var frame = await http.GetAsync(new Uri(world.Logout.Public,
            $"/frontchannel-logout?iss={Uri.EscapeDataString(world.Idp.Issuer)}&sid={Sid}"));
        Assert.Equal(200, await world.SendAsync(world.Idp.LogoutToken("obeyed", null)));

        var log = await world.Logout.ReadLogAsync(CancellationToken.None);
        Assert.Contains("refused: nonce", log, StringComparison.Ordinal);
        Assert.Contains("accepted", log, StringComparison.Ordinal);
        Assert.DoesNotContain(tokens, t => t.Split('.').Any(part => part.Length > 20 && log.Contains(part, StringComparison.Ordinal)));
        Assert.DoesNotContain(Sub, log, StringComparison.Ordinal);
        Assert.DoesNotContain(Sid, log, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", log, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", log, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Refused(StubProvider idp)
    {
        using var stranger = new StubKeys();
        var forged = "";
        idp.LogoutToken(Sub, Sid, c => forged = stranger.Sign(c.DeepClone().AsObject(), "logout+jwt"));
        yield return forged;
        foreach (var claim in new[] { "iss", "aud", "iat", "exp", "jti", "events" })
        {
            yield return idp.LogoutToken(Sub, Sid, c => c.Remove(claim));
            yield return idp.LogoutToken(Sub, Sid, c => c[claim] = 1);
        }

        yield return idp.LogoutToken(Sub, Sid, c => c["nonce"] = "n");
        yield return idp.LogoutToken(Sub, Sid, c => c["sub"] = Sub + "\0");
        yield return idp.LogoutToken(Sub, Sid, c => c["sid"] = new string('x', 300));
        yield return idp.LogoutToken(Sub, Sid, c => c["azp"] = Sub);
    }
}
