using System.Text.Json;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Bearer;
using EventAuth.Gateway.Bearer;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Oidc;

namespace EventAuth.Services.Tests.Bearer;

/// <summary>Signed access tokens and what is no access token, each with the expected answer.</summary>
public sealed class BearerVectorTests : IDisposable
{
    private const string FileName = "bearer-vectors.json";
    private static readonly JsonElement Vectors = Oidc.Vectors.Read(FileName);
    private readonly string _keys = Path.GetTempFileName();

    public static TheoryData<string> Ids => Oidc.Vectors.Ids(FileName);

    public void Dispose() => File.Delete(_keys);

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Each_token_gets_the_expected_answer(string id)
    {
        var vector = Oidc.Vectors.Case(Vectors, id);
        var expected = vector.GetProperty("expect").GetProperty("status").GetInt32();
        var headers = new[] { Oidc.Vectors.Text(vector, "authorization"), Oidc.Vectors.Text(vector, "second_authorization") };
        var reading = BearerHeader.Read(new([.. headers.OfType<string>()]), out var token);
        switch (reading)
        {
            case BearerReading.None:
                Assert.Equal(401, expected);
                Assert.False(vector.GetProperty("expect").GetProperty("www_authenticate").GetString()!.Contains("error", StringComparison.Ordinal));
                break;
            case BearerReading.Several:
                Assert.Equal(400, expected);
                break;
            default:
                var check = await CheckAsync(token.ToString(), vector);
                Assert.Equal(expected == 200, check is AccessTokenCheck.Accepted);
                Assert.Equal(expected == 401, check is AccessTokenCheck.Refused);
                Assert.True(check is not AccessTokenCheck.Accepted accepted || accepted.Claims.Sub == "alice");
                break;
        }
    }

    private async Task<AccessTokenCheck> CheckAsync(string token, JsonElement vector)
    {
        var about = Vectors.GetProperty("_about");
        var issuer = about.GetProperty("issuer").GetString()!;
        await File.WriteAllTextAsync(_keys, Vectors.GetProperty("jwks").GetRawText());
        var settings = new BearerSettings
        {
            Issuers =
            [
                new BearerIssuerSettings
                {
                    Expected = new AccessTokenExpectations(issuer, [about.GetProperty("audience").GetString()!], ["at+jwt"], [], [],
                        TimeSpan.FromDays(1), TimeSpan.FromSeconds(about.GetProperty("skew_seconds").GetInt32())),
                    SigningAlgorithms = [.. about.GetProperty("alg_allow_list").EnumerateArray().Select(a => a.GetString()!)],
                    KeyFile = _keys,
                },
            ],
        };
        var clock = new ManualClock(DateTimeOffset.FromUnixTimeSeconds(about.GetProperty("clock").GetInt64()));
        if (vector.TryGetProperty("precondition", out var before) && before.GetString()!.Contains("NOW+121", StringComparison.Ordinal))
        {
            clock.Advance(TimeSpan.FromSeconds(121));
        }

        using var idp = new FixedIdp("{}");
        using var checks = new AccessTokenChecks(settings, ProviderDirectory.Build([idp.Settings], clock, () => idp), clock);
        return await checks.CheckAsync(token, CancellationToken.None);
    }
}
