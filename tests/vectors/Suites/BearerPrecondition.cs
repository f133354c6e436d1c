using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Gateway.Cache;
using EventAuth.Vectors.Files;
using EventAuth.Vectors.Worlds;

namespace EventAuth.Vectors.Suites;

/// <summary>
/// What happened before a request, in the file's words: "revocation of iss+sub at NOW; clock advanced to NOW+121". Also
/// revocations of a sid or jti, which are the token's own, and that the same token was accepted before.
/// </summary>
internal sealed partial class BearerPrecondition(Scope scope, VectorService gateway, VectorStore store, FileClock clock)
{
    private static readonly TimeSpan FeedLimit = TimeSpan.FromSeconds(30);

    /// <summary>Brings it about; what is not understood is said of the case.</summary>
    public async Task PrepareAsync(string precondition, Members vector)
    {
        foreach (var step in precondition.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (Revoked().Match(step) is { Success: true } revoked)
            {
                await SetAsync(revoked);
                await RevokeAsync(revoked.Groups["what"].Value, Claims(vector));
            }
            else if (Advanced().Match(step) is { Success: true } advanced)
            {
                await SetAsync(advanced);
            }
            else if (Used().IsMatch(step))
            {
                var answer = await gateway.SendAsync(BearerTokens.Question(vector), scope.Ct);
                if (answer.Status != 200)
                {
                    vector.Say($"was answered {answer.Status} before the precondition");
                }
            }
            else
            {
                vector.Say($"has a precondition that is not understood: {step}");
            }
        }
    }

    private async Task RevokeAsync(string what, JsonElement claims)
    {
        var cause = new RevocationCause(EndReason.EndedByOperator, "operator", "a vector's precondition", Actor: null, CorrelationId: null);
        var revocations = gateway.Get<Revocations>();
        var receipt = await (what switch
        {
            "jti" => revocations.RevokeTokenAsync(scope.Issuer, Text(claims, "jti"), cause, scope.Ct),
            "sid" => revocations.RevokeProviderSessionAsync(scope.Issuer, Text(claims, "sub"), Text(claims, "sid"), cause, scope.Ct),
            _ => revocations.RevokeSubjectAsync(new Subject(scope.Issuer, Text(claims, "sub")), cause, scope.Ct),
        });
        await AppliedAsync(receipt);
    }

    private async Task AppliedAsync(RevocationReceipt receipt)
    {
        var view = gateway.Get<RevocationView>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(scope.Ct);
        limit.CancelAfter(FeedLimit);
        while (view.Applied < receipt.Position)
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private async Task SetAsync(Match match)
    {
        var seconds = int.TryParse(match.Groups["seconds"].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;
        var now = scope.File.Clock.AddSeconds(seconds);
        await store.SetClockAsync(now);
        clock.Set(now);
    }

    private static JsonElement Claims(Members vector)
    {
        using var payload = JsonDocument.Parse(Base64Url.DecodeFromChars((vector.Text("authorization") ?? "").Split('.')[1]));
        return payload.RootElement.Clone();
    }

    private static string Text(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var claim) ? claim.ToString() : throw new InvalidDataException($"a token whose {name} is to be revoked has none");

    [GeneratedRegex(@"\A(?:revocation of |revoke )(?:the )?(?:iss\s*\+\s*)?(?<what>sub|sid|jti)(?: at NOW(?<seconds>[+-]\d+)?)?\z")]
    private static partial Regex Revoked();

    [GeneratedRegex(@"\A(?:the )?clock (?:is )?(?:advanced |moved |set )?(?:to|at) NOW(?<seconds>[+-]\d+)?\z")]
    private static partial Regex Advanced();

    [GeneratedRegex(@"\A(?:the )?(?:same )?token (?:was )?(?:accepted|used|sent|verified|cached)(?: once)?(?: before)?\z")]
    private static partial Regex Used();
}
