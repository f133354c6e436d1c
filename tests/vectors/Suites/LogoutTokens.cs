using System.Text.Json;
using System.Text.RegularExpressions;
using EventAuth.Contracts;
using EventAuth.Logout;
using EventAuth.StubIdp;
using EventAuth.Vectors.Files;
using EventAuth.Vectors.Http;
using EventAuth.Vectors.Worlds;

namespace EventAuth.Vectors.Suites;

/// <summary>
/// Logout tokens over HTTP against the running webhook, in three profiles: as it is by default (compat), with <c>typ</c>
/// required (strict), and for an IdP that may omit <c>exp</c>. What an accepted one did is looked up in the store.
/// </summary>
internal sealed partial class LogoutTokens(Scope scope)
{
    private const int MaxIssuedAge = 300;
    private const string ClientSecret = "of-no-use-here";

    private static readonly Profile[] Profiles =
    [
        new("compat", TypeRequired: false, ExpiryRequired: true, ["expect"]),
        new("strict", TypeRequired: true, ExpiryRequired: true, ["strict_expect", "expect"]),
        new("exp optional", TypeRequired: false, ExpiryRequired: false, ["compat_expect", "expect"]),
    ];

    public async Task RunAsync()
    {
        _ = scope.File.About.Text("client_secret");
        if (scope.File.About.Number("max_iat_age_seconds") is { } age and not MaxIssuedAge)
        {
            scope.File.About.Say($"wants an age of {age} s, which is {MaxIssuedAge} s here");
        }

        foreach (var profile in Profiles)
        {
            await RunAsync(profile);
        }

        var requests = scope.File.List("http_cases");
        if (requests.Count > 0)
        {
            await new LogoutRequests(scope).RunAsync(requests);
        }

        scope.JudgeHead();
        scope.Report.Sum(scope.File.Name, $"{scope.File.Cases.Count} logout tokens in {Profiles.Length} profiles, {requests.Count} requests");
    }

    /// <summary>The webhook and its IdP.</summary>
    public static async Task<VectorService> StartAsync(Scope scope, VectorStore store, VectorIdp idp, bool typeRequired, bool expiryRequired)
    {
        var settings = VectorService.ProviderOf(idp, scope.ClientId, ClientSecret);
        settings["providers.0.signingAlgorithms"] = scope.Algorithm;
        settings["providers.0.logoutTokenRequiresType"] = $"{typeRequired}";
        settings["providers.0.logoutTokenRequiresExpiry"] = $"{expiryRequired}";
        return await VectorService.StartAsync(scope.Calls, store, settings, new FileClock(scope.File.Clock), LogoutService.Build);
    }

    public static Task<VectorIdp> StartIdpAsync(Scope scope, (string First, string Then) keys) =>
        VectorIdp.StartAsync(scope.Issuer, scope.ClientId, ClientSecret, keys.First, keys.Then);

    public static WireRequest Post(string token) => new("POST", "/backchannel-logout")
    {
        Headers = [("Content-Type", "application/x-www-form-urlencoded")],
        Body = System.Text.Encoding.ASCII.GetBytes("logout_token=" + Uri.EscapeDataString(token)),
    };

    private async Task RunAsync(Profile profile)
    {
        await using var store = await VectorStore.CreateAsync(scope.Postgres, scope.File.Clock);
        foreach (var group in scope.File.Cases.Select(Scope.Read).GroupBy(c => KeySets.Of(c.Vector)))
        {
            if (group.Key.In(scope.File) is not { } keys)
            {
                scope.JudgeAll(group);
                continue;
            }

            await using var idp = await StartIdpAsync(scope, keys);
            await using var service = await StartAsync(scope, store, idp, profile.TypeRequired, profile.ExpiryRequired);
            _ = scope.Calls.Take();
            foreach (var (id, vector) in group)
            {
                await RunAsync(profile, id, vector, new Place(service, store, idp));
            }
        }
    }

    private async Task RunAsync(Profile profile, string id, Members vector, Place place)
    {
        var expect = profile.Expectations.Select(vector.Object).FirstOrDefault(e => e is not null);
        vector.Ignore("strict_expect", "compat_expect", "expect");
        if (vector.Text("profile") is { } meant and not ("compat" or "strict"))
        {
            vector.Say($"is of a profile '{meant}' that is not known");
        }

        if (expect is null)
        {
            scope.Judge(vector, id, "an expectation", ["none"]);
            return;
        }

        var token = vector.Text("token") ?? (vector.Text("token_generator") is { } text ? Generator.Make(text) : null);
        if (token is null)
        {
            scope.Judge(vector, id, AnswerRules.Describe(expect), ["no token, or one that can't be generated"]);
            return;
        }

        var differences = await SendAsync(place, vector, expect, token);
        scope.Judge(vector, $"{id} ({profile.Name})", AnswerRules.Describe(expect), differences);
    }

    private async Task<List<string>> SendAsync(Place place, Members vector, Members expect, string token)
    {
        var head = await place.Store.HeadAsync();
        var fetched = place.Idp.Log.Count(StubEndpoint.Keys);
        var answer = await place.Service.SendAsync(Post(token), scope.Ct);
        var differences = AnswerRules.Differences(expect, answer).Concat(AnswerRules.OfWebhook(answer, token)).ToList();
        differences.AddRange(RevocationEffect.Differences(expect, await place.Store.EventsAfterAsync(head)));

        // An IdP that did not get our answer sends the token again: the same answer, and nothing more happens (BCL 2.5).
        head = await place.Store.HeadAsync();
        var again = await place.Service.SendAsync(Post(token), scope.Ct);
        differences.AddRange(again.Status == answer.Status ? [] : [$"status {again.Status} when it is sent again"]);
        differences.AddRange((await place.Store.EventsAfterAsync(head)).Count == 0 ? [] : ["an effect when it is sent again"]);
        differences.AddRange(Assertions(vector, place, fetched));
        differences.AddRange(scope.AskedOthers(place.Idp));
        return differences;
    }

    // That nobody else is asked is looked at in every case.
    private static IEnumerable<string> Assertions(Members vector, Place place, int fetched)
    {
        switch (vector.Text("assert"))
        {
            case null:
                break;
            case { } none when NoRequest().IsMatch(none):
                break;
            case "at most one JWKS fetch per min-refresh-interval":
                if (place.Idp.Log.Count(StubEndpoint.Keys) - fetched is > 1 and var fetches)
                {
                    yield return $"{fetches} fetches of the keys";
                }

                break;
            case { } other:
                vector.Say($"asserts something that is not understood: {other}");
                break;
        }
    }

    [GeneratedRegex(@"\Ano (HTTP |outbound |outgoing )?(request|fetch|connection)( to \S+)?\z", RegexOptions.IgnoreCase)]
    private static partial Regex NoRequest();

    private sealed record Profile(string Name, bool TypeRequired, bool ExpiryRequired, string[] Expectations);

    private sealed record Place(VectorService Service, VectorStore Store, VectorIdp Idp);
}

/// <summary>What a logout token did, as the store has it.</summary>
internal static class RevocationEffect
{
    /// <summary>Compares <c>effect</c> with what was recorded.</summary>
    public static IEnumerable<string> Differences(Members expect, IReadOnlyList<object> events)
    {
        if (!expect.Has("effect"))
        {
            return [];
        }

        var effect = expect.Raw.GetProperty("effect");
        if (effect.ValueKind == JsonValueKind.String)
        {
            if (effect.GetString() != "none")
            {
                expect.Say($"effect '{effect.GetString()}' is not understood");
            }

            return events.Count == 0 ? [] : [$"{events.Count} events in the store"];
        }

        return Of(expect.Object("effect")!, events);
    }

    private static IEnumerable<string> Of(Members effect, IReadOnlyList<object> events)
    {
        var (what, issuer, sid, sub) = (effect.Text("revoke"), effect.Text("iss"), effect.Text("sid"), effect.Text("sub"));
        if (what is not ("sid" or "sub"))
        {
            effect.Say($"revokes '{what}', which is not understood");
        }

        if (events is not [SubjectRevoked { Source: "backchannel" } revoked])
        {
            return [$"{events.Count} events in the store instead of one revocation"];
        }

        var right = what == "sid" ? revoked.Sid == sid && (sub is null || revoked.Sub == sub) : revoked.Sid is null && revoked.Sub == sub;
        return right && revoked.Issuer == issuer && revoked.Position > 0 ? [] : [$"a revocation of {revoked.Issuer}, sid {revoked.Sid}, sub {revoked.Sub}"];
    }
}
