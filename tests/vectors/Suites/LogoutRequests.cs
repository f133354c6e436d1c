using System.Text;
using System.Text.Json;
using EventAuth.Contracts;
using EventAuth.Vectors.Files;
using EventAuth.Vectors.Http;
using EventAuth.Vectors.Worlds;

namespace EventAuth.Vectors.Suites;

/// <summary>How the webhook takes a good token in all manners of requests: <c>{T}</c> stands for it.</summary>
internal sealed class LogoutRequests(Scope scope)
{
    public async Task RunAsync(IReadOnlyList<JsonElement> cases)
    {
        if (GoodToken() is not { } token || scope.File.KeySet("jwks") is not { } keys)
        {
            scope.Report.Judge(scope.File.Name, "http_cases", "an accepted token to send", ["none"]);
            return;
        }

        await using var store = await VectorStore.CreateAsync(scope.Postgres, scope.File.Clock);
        await using var idp = await LogoutTokens.StartIdpAsync(scope, (keys, keys));
        await using var service = await LogoutTokens.StartAsync(scope, store, idp, typeRequired: false, expiryRequired: true);
        _ = scope.Calls.Take();

        // Those that must have no effect come first: once the token was obeyed, it has none anyway.
        foreach (var (id, vector) in cases.Select(Scope.Read).OrderBy(c => c.Vector.Object("expect")?.Number("status") == 200))
        {
            await RunAsync(id, vector, token, service, store);
        }
    }

    private async Task RunAsync(string id, Members vector, string token, VectorService service, VectorStore store)
    {
        if (vector.Object("expect") is not { } expect || vector.Object("request") is not { } about || Request(about, token) is not { } request)
        {
            scope.Judge(vector, id, "a request and an expectation", ["none that can be made"]);
            return;
        }

        var answer = await service.SendAsync(request, scope.Ct);
        var differences = AnswerRules.Differences(expect, answer).Concat(AnswerRules.OfWebhook(answer, token)).ToList();
        var obeyed = (await store.EventsAfterAsync(0)).OfType<SubjectRevoked>().Any();
        if (expect.Has("effect"))
        {
            expect.Say("has an effect, which is not understood beside a request");
        }

        if (expect.Number("status") == 200 != obeyed)
        {
            differences.Add(obeyed ? "a revocation in the store" : "no revocation in the store");
        }

        scope.Judge(vector, id, AnswerRules.Describe(expect), differences);
    }

    private static WireRequest? Request(Members about, string token)
    {
        string? Filled(string? text) => text?.Replace("{T}", token, StringComparison.Ordinal);
        var described = about.Text("body_generator");
        var body = about.Has("body") ? Filled(about.Text("body")) : described is null ? null : Generator.Make(described, token);
        if (described is not null && body is null)
        {
            about.Say($"has a body that can't be generated: {described}");
        }

        var query = Filled(about.Text("query"));
        var encoding = about.Text("transfer_encoding");
        var headers = about.Pairs("headers").Select(h => (h.Name, Value: Filled(h.Value)!)).ToList();
        var request = new WireRequest(about.Text("method") ?? "POST", "/backchannel-logout" + (query is null ? "" : "?" + query))
        {
            Body = body is null ? null : Encoding.UTF8.GetBytes(body),
            Chunked = about.Flag("chunked") || encoding == "chunked" || headers.Exists(h => IsEncoding(h.Name) && h.Value == "chunked"),
        };
        if (encoding is not (null or "chunked"))
        {
            about.Say($"wants to be sent {encoding}");
        }

        headers.RemoveAll(h => IsEncoding(h.Name));
        request.Headers.AddRange(headers);
        return request.With("Content-Type", about.Text("content_type"));
    }

    private static bool IsEncoding(string name) => name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase);

    // The first that is accepted without further ado.
    private string? GoodToken() => scope.File.Cases
        .Where(c => c.TryGetProperty("expect", out var expect) && expect.TryGetProperty("status", out var status) && status.GetInt32() == 200)
        .Where(c => !((string[])["profile", "jwks", "jwks_before", "jwks_served_on_refresh"]).Any(m => c.TryGetProperty(m, out _)))
        .Select(c => c.TryGetProperty("token", out var token) ? token.GetString() : null).FirstOrDefault(t => t is not null);
}
