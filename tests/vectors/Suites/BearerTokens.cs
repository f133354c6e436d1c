using EventAuth.Gateway;
using EventAuth.Vectors.Files;
using EventAuth.Vectors.Http;
using EventAuth.Vectors.Worlds;

namespace EventAuth.Vectors.Suites;

/// <summary>Access tokens that a program brings, through <c>/verify</c> of a running gateway as a proxy asks it.</summary>
internal sealed class BearerTokens(Scope scope)
{
    private const string Host = "api.example.test";
    private const string Secret = "of-no-use-here";

    public async Task RunAsync()
    {
        await using var store = await VectorStore.CreateAsync(scope.Postgres, scope.File.Clock);
        foreach (var group in scope.File.Cases.Select(Scope.Read).GroupBy(c => (Keys: KeySets.Of(c.Vector), Before: PreconditionOf(c))))
        {
            if (group.Key.Keys.In(scope.File) is not { } keys)
            {
                scope.JudgeAll(group);
                continue;
            }

            await RunAsync([.. group], group.First().Vector.Text("precondition"), keys, store);
        }

        scope.JudgeHead();
        scope.Report.Sum(scope.File.Name, $"{scope.File.Cases.Count} requests with access tokens");
    }

    private async Task RunAsync(
        List<(string Id, Members Vector)> cases, string? precondition, (string First, string Then) keys, VectorStore shared)
    {
        // What a precondition changes must not be there for others.
        await using var own = precondition is null ? null : await VectorStore.CreateAsync(scope.Postgres, scope.File.Clock);
        var (store, clock) = (own ?? shared, new FileClock(scope.File.Clock));
        await using var idp = await VectorIdp.StartAsync(scope.Issuer, scope.ClientId, Secret, keys.First, keys.Then);
        await using var gateway = await StartAsync(store, idp, clock);
        if (precondition is not null)
        {
            await new BearerPrecondition(scope, gateway, store, clock).PrepareAsync(precondition, cases[0].Vector);
        }

        _ = scope.Calls.Take();
        foreach (var (id, vector) in cases)
        {
            await RunAsync(id, vector, gateway, idp);
        }
    }

    // One that speaks of its own token's jti has a world of its own.
    private static string? PreconditionOf((string Id, Members Vector) c) => c.Vector.Text("precondition") is { } text ? $"{text} {c.Id}" : null;

    private async Task<VectorService> StartAsync(VectorStore store, VectorIdp idp, FileClock clock)
    {
        var about = scope.File.About;
        var settings = VectorService.ProviderOf(idp, scope.ClientId, Secret);
        settings["rules.0.host"] = Host;
        settings["rules.0.access"] = "authenticated";
        settings["bearer.issuers.0.issuer"] = scope.Issuer;
        settings["bearer.issuers.0.audiences"] = about.Text("audience") ?? string.Join(',', about.Texts("audiences"));
        settings["bearer.issuers.0.signingAlgorithms"] = string.Join(',', about.Texts("alg_allow_list"));
        settings["bearer.issuers.0.jwksUrl"] = idp.KeysUrl.ToString();

        // All cases come from one address, which would soon not be heard any more.
        settings["bearer.failureThreshold"] = "0";
        return await VectorService.StartAsync(scope.Calls, store, settings, clock, GatewayHost.Build);
    }

    private async Task RunAsync(string id, Members vector, VectorService gateway, VectorIdp idp)
    {
        if (vector.Object("expect") is not { } expect)
        {
            scope.Judge(vector, id, "an expectation", ["none"]);
            return;
        }

        var answer = await gateway.SendAsync(Question(vector), scope.Ct);
        var differences = AnswerRules.Differences(expect, answer).ToList();
        if (answer.Status is < 200 or >= 500 || (answer.Status is >= 200 and < 300 && answer.Status != 200))
        {
            differences.Add($"status {answer.Status}, which is never right");
        }

        differences.AddRange(scope.AskedOthers(idp));
        scope.Judge(vector, id, AnswerRules.Describe(expect), differences);
    }

    /// <summary>The proxy's question about the case's request, which is a program's: browsers are sent to sign in instead.</summary>
    public static WireRequest Question(Members vector)
    {
        var authorization = vector.Text("authorization_generator") is { } description ? Generator.Make(description) : vector.Text("authorization");
        if (authorization is null && !vector.Has("authorization"))
        {
            vector.Say("does not say which Authorization it has");
        }

        var request = new WireRequest("GET", "/verify")
            .With("X-Forwarded-Method", vector.Text("method") ?? "GET").With("X-Forwarded-Proto", "https")
            .With("X-Forwarded-Host", Host).With("X-Forwarded-Uri", vector.Text("uri") ?? "/")
            .With("Accept", "application/json").With("Authorization", authorization).With("Authorization", vector.Text("second_authorization"))
            .With("Cookie", vector.Text("cookie"));
        request.Headers.AddRange(vector.Pairs("headers"));
        return request;
    }
}
