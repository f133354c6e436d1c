using System.Text.Json;
using EventAuth.Adapters.Oidc;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>
/// Back-Channel Logout 1.0 as signed tokens: what the conformance suite sends, and what forgers do. Compat accepts a
/// token without <c>typ</c> (and, where the vector says so, without <c>exp</c>); strict does not.
/// </summary>
public sealed class LogoutTokenVectorTests
{
    private const string File = "bcl-vectors.json";
    private const int DotsLength = 65_000;

    private static readonly JsonElement Vectors = Oidc.Vectors.Read(File);

    public static TheoryData<string> Ids => Oidc.Vectors.Ids(File);

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Each_token_gets_the_expected_answer(string id)
    {
        var vector = Oidc.Vectors.Case(Vectors, id);

        var (check, idp) = await CheckAsync(vector, requireType: false, requireExpiry: true);

        AssertIs(vector.GetProperty("expect"), check);
        Assert.DoesNotContain(idp.Asked, uri => uri.Host != new Uri(FixedIdp.Issuer).Host);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Each_token_gets_the_expected_answer_when_typ_is_required(string id)
    {
        var vector = Oidc.Vectors.Case(Vectors, id);

        var (check, _) = await CheckAsync(vector, requireType: true, requireExpiry: true);

        AssertIs(vector.TryGetProperty("strict_expect", out var strict) ? strict : vector.GetProperty("expect"), check);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Each_token_gets_the_expected_answer_from_an_IdP_that_may_omit_exp(string id)
    {
        var vector = Oidc.Vectors.Case(Vectors, id);

        var (check, _) = await CheckAsync(vector, requireType: false, requireExpiry: false);

        AssertIs(vector.TryGetProperty("compat_expect", out var compat) ? compat : vector.GetProperty("expect"), check);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task No_refusal_repeats_a_part_of_the_token(string id)
    {
        var vector = Oidc.Vectors.Case(Vectors, id);

        var (check, _) = await CheckAsync(vector, requireType: true, requireExpiry: true);

        if (check is LogoutTokenCheck.Refused refused)
        {
            Assert.Matches(@"^[\x20-\x21\x23-\x5B\x5D-\x7E]{1,80}$", refused.Description);
            Assert.Matches("^[a-z0-9_-]{1,32}$", refused.Rule);
            Assert.DoesNotContain("alice", refused.Description, StringComparison.OrdinalIgnoreCase);
        }
    }

    private static async Task<(LogoutTokenCheck Check, FixedIdp Idp)> CheckAsync(JsonElement vector, bool requireType, bool requireExpiry)
    {
        var first = Oidc.Vectors.Text(vector, "jwks_before") ?? Oidc.Vectors.Text(vector, "jwks") ?? "jwks";
        var then = Oidc.Vectors.Text(vector, "jwks_served_on_refresh") ?? first;
        using var idp = new FixedIdp(Vectors.GetProperty(first).GetRawText(), Vectors.GetProperty(then).GetRawText());
        idp.Settings = idp.Settings with { LogoutTokenRequiresType = requireType, LogoutTokenRequiresExpiry = requireExpiry };
        var token = vector.TryGetProperty("token_generator", out _) ? new string('.', DotsLength) : vector.GetProperty("token").GetString();

        return (await idp.NewChecks().LogoutTokenAsync(token, CancellationToken.None), idp);
    }

    private static void AssertIs(JsonElement expected, LogoutTokenCheck check)
    {
        if (expected.GetProperty("status").GetInt32() == 400)
        {
            Assert.IsType<LogoutTokenCheck.Refused>(check);
            return;
        }

        var effect = expected.GetProperty("effect");
        var accepted = Assert.IsType<LogoutTokenCheck.Accepted>(check);
        Assert.Equal(effect.GetProperty("iss").GetString(), accepted.Issuer);
        var bySid = effect.GetProperty("revoke").GetString() == "sid";
        Assert.Equal(bySid, accepted.Token.Sid is not null);
        Assert.Equal(effect.GetProperty(bySid ? "sid" : "sub").GetString(), bySid ? accepted.Token.Sid : accepted.Token.Sub);
    }
}
