using System.Text.Json;
using EventAuth.Adapters.Oidc;
using EventAuth.Domain.Login;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>ID tokens of the Relying Party conformance plans and the FAPI client tests, signed, with the expected answer.</summary>
public sealed class IdTokenVectorTests
{
    private const string File = "idtoken-vectors.json";

    private static readonly JsonElement Vectors = Oidc.Vectors.Read(File);

    public static TheoryData<string> Ids => Oidc.Vectors.Ids(File);

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Each_token_gets_the_expected_answer(string id)
    {
        var vector = Oidc.Vectors.Case(Vectors, id);
        var about = Vectors.GetProperty("_about");
        var then = Oidc.Vectors.Text(vector, "jwks_served_on_refresh") ?? "jwks";
        using var idp = new FixedIdp(Vectors.GetProperty("jwks").GetRawText(), Vectors.GetProperty(then).GetRawText());
        var expected = IdTokenExpectations.ForLogin(
            FixedIdp.Issuer, FixedIdp.ClientId, about.GetProperty("nonce").GetString()!, about.GetProperty("access_token").GetString());
        if (vector.TryGetProperty("auth_request", out var request))
        {
            expected = expected with { MaxAge = TimeSpan.FromSeconds(request.GetProperty("max_age").GetInt32()) };
        }

        var check = await idp.NewChecks().IdTokenAsync(vector.GetProperty("id_token").GetString(), expected, CancellationToken.None);

        if (vector.GetProperty("expect").GetString() == "accept")
        {
            Assert.Equal("alice", Assert.IsType<IdTokenCheck.Accepted>(check).Claims.Sub);
        }
        else
        {
            Assert.IsType<IdTokenCheck.Refused>(check);
        }
    }
}
