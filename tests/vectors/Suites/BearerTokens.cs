using System.Text.RegularExpressions;
using EventAuth.Adapters.Refresh;
using EventAuth.Contracts;
using EventAuth.Gateway;
using EventAuth.Gateway.Cache;
using EventAuth.Vectors.Files;
using EventAuth.Vectors.Http;
using EventAuth.Vectors.Worlds;

namespace EventAuth.Vectors.Suites;

/// <summary>Access tokens that a program brings, through <c>/verify</c> of a running gateway as a proxy asks it.</summary>
internal sealed partial class BearerTokens(Scope scope)
{
    private const string Host = "api.example.test";
    private const string Secret = "of-no-use-here";
    private static readonly TimeSpan FeedLimit = TimeSpan.FromSeconds(30);

    public async Task RunAsync()
    {
        await using var store = await VectorStore.CreateAsync(scope.Postgres, scope.File.Clock);
        foreach (var group in scope.File.Cases.Select(Scope.Read).GroupBy(c => (Keys: KeySets.Of(c.Vector), Before: c.Vector.Text("precondition"))))
        {
            var (id, first) = group.First();
            if (group.Key.Keys.In(scope.File, first) is not { } keys)
            {
                scope.Judge(first, id, "known key sets", []);
                continue;
            }

            await RunAsync([.. group], group.Key.Before, keys, store);
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
        if (precondition is not null && !await PrepareAsync(precondition, gateway, store, clock))
        {
            cases.ForEach(c => c.Vector.Say($"has a precondition that is not understood: {precondition}"));
        }

        _ = scope.Calls.Take();
        foreach (var (id, vector) in cases)
        {
            await RunAsync(id, vector, gateway, idp);
        }
    }

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
        return await VectorService.StartAsync(store, settings, clock, GatewayHost.Build);
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

    private static WireRequest Question(Members vector)
    {
        var authorization = vector.Text("authorization_generator") is { } description ? Generator.Make(description) : vector.Text("authorization");
        if (authorization is null && !vector.Has("authorization"))
        {
            vector.Say("does not say which Authorization it has");
        }

        var request = new WireRequest("GET", "/verify")
            .With("X-Forwarded-Method", vector.Text("method") ?? "GET").With("X-Forwarded-Proto", "https")
            .With("X-Forwarded-Host", Host).With("X-Forwarded-Uri", vector.Text("uri") ?? "/")
            .With("Accept", "*/*").With("Authorization", authorization).With("Authorization", vector.Text("second_authorization"))
            .With("Cookie", vector.Text("cookie"));
        request.Headers.AddRange(vector.Pairs("headers"));
        return request;
    }

    // "revocation of iss+sub at NOW; clock advanced to NOW+121": what was there before, as the file says it.
    private async Task<bool> PrepareAsync(string precondition, VectorService gateway, VectorStore store, FileClock clock)
    {
        var start = scope.File.Clock;
        foreach (var step in precondition.Split(';', StringSplitOptions.TrimEntries))
        {
            if (Revoked().Match(step) is { Success: true } revoked)
            {
                await SetAsync(start.AddSeconds(Seconds(revoked)), store, clock);
                await RevokeAsync(gateway, revoked.Groups["sub"] is { Success: true } sub ? sub.Value : "alice");
            }
            else if (Advanced().Match(step) is { Success: true } advanced)
            {
                await SetAsync(start.AddSeconds(Seconds(advanced)), store, clock);
            }
            else
            {
                return false;
            }
        }

        return true;
    }

    private async Task RevokeAsync(VectorService gateway, string sub)
    {
        var cause = new RevocationCause(EndReason.EndedByOperator, "operator", "a vector's precondition", Actor: null, CorrelationId: null);
        var receipt = await gateway.Get<Revocations>().RevokeSubjectAsync(new Subject(scope.Issuer, sub), cause, scope.Ct);
        var view = gateway.Get<RevocationView>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(scope.Ct);
        limit.CancelAfter(FeedLimit);
        while (view.Applied < receipt.Position)
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private static async Task SetAsync(DateTimeOffset now, VectorStore store, FileClock clock)
    {
        await store.SetClockAsync(now);
        clock.Set(now);
    }

    private static int Seconds(Match match) =>
        int.TryParse(match.Groups["seconds"].Value, System.Globalization.CultureInfo.InvariantCulture, out var seconds) ? seconds : 0;

    [GeneratedRegex(@"\Arevocation of iss\+sub(?: (?<sub>[\w-]+))? at NOW(?<seconds>[+-]\d+)?\z")]
    private static partial Regex Revoked();

    [GeneratedRegex(@"\Aclock (?:advanced|set) to NOW(?<seconds>[+-]\d+)?\z")]
    private static partial Regex Advanced();
}
