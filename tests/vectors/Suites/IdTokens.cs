using System.Buffers.Text;
using System.Text.Json;
using System.Web;
using EventAuth.Contracts;
using EventAuth.Gateway;
using EventAuth.Gateway.Login;
using EventAuth.StubIdp;
using EventAuth.Vectors.Files;
using EventAuth.Vectors.Http;
using EventAuth.Vectors.Worlds;

namespace EventAuth.Vectors.Suites;

/// <summary>
/// ID tokens through the real sign-in: a browser begins, comes back to <c>/auth/callback</c> with a code, and the IdP answers
/// it with exactly the token of the case. Only the nonce is not ours: it is set to the one that the file's tokens were made for.
/// </summary>
internal sealed class IdTokens(Scope scope)
{
    private const string Secret = "of-no-use-here";
    private const string Host = "gateway.example.test";

    public async Task RunAsync()
    {
        var nonce = scope.File.About.Text("nonce") ?? "";
        var accessToken = scope.File.About.Text("access_token") ?? "at";
        await using var store = await VectorStore.CreateAsync(scope.Postgres, scope.File.Clock);
        foreach (var group in scope.File.Cases.Select(Scope.Read).GroupBy(c => (Keys: KeySets.Of(c.Vector), MaxAge: MaxAgeOf(c.Vector))))
        {
            if (group.Key.Keys.In(scope.File) is not { } keys)
            {
                scope.JudgeAll(group);
                continue;
            }

            await using var idp = await VectorIdp.StartAsync(scope.Issuer, scope.ClientId, Secret, keys.First, keys.Then);
            await using var gateway = await StartAsync(store, idp, group.Key.MaxAge);
            _ = scope.Calls.Take();
            foreach (var (name, vector) in group)
            {
                await RunAsync(name, vector, new Login(gateway, store, idp, nonce, accessToken));
            }
        }

        scope.JudgeHead();
        scope.Report.Sum(scope.File.Name, $"{scope.File.Cases.Count} ID tokens through the callback");
    }

    private async Task<VectorService> StartAsync(VectorStore store, VectorIdp idp, int maxAge)
    {
        var settings = VectorService.ProviderOf(idp, scope.ClientId, Secret);
        settings["providers.0.signingAlgorithms"] = scope.Algorithm;
        settings["providers.0.maxAge"] = $"{maxAge}s";
        return await VectorService.StartAsync(scope.Calls, store, settings, new FileClock(scope.File.Clock), GatewayHost.Build);
    }

    private static int MaxAgeOf(Members vector) => vector.Object("auth_request")?.Number("max_age") ?? 0;

    private async Task RunAsync(string id, Members vector, Login login)
    {
        var (expect, token) = (vector.Text("expect"), vector.Text("id_token"));
        if (vector.Text("id_token_generator") is { } description)
        {
            token = Generator.Make(description);
        }

        if (expect is null || (expect != "accept" && !expect.StartsWith("reject", StringComparison.Ordinal)))
        {
            vector.Say($"expects '{expect}', which is not understood");
        }

        if (token is null && !vector.Has("id_token"))
        {
            vector.Say("has no token");
        }

        var sub = SubjectOf(token);
        login.Idp.AnswerWith(token, login.AccessToken, sub);
        var head = await login.Store.HeadAsync();
        var (answer, toldMaxAge) = await login.ComeBackAsync(scope.Ct);
        var sessions = (await login.Store.EventsAfterAsync(head)).OfType<SessionIssued>().ToList();
        List<string> differences = [.. expect == "accept" ? Accepted(login, answer, sessions, sub) : Refused(login, answer, sessions)];
        if (MaxAgeOf(vector) is > 0 and var maxAge && toldMaxAge != $"{maxAge}")
        {
            differences.Add($"the IdP was asked for max_age {toldMaxAge ?? "(none)"}");
        }

        differences.AddRange(scope.AskedOthers(login.Idp));
        scope.Judge(vector, id, expect ?? "", differences);
    }

    private static IEnumerable<string> Accepted(Login login, WireAnswer answer, List<SessionIssued> sessions, string? sub)
    {
        if (answer.Status is not (302 or 303) || answer.Header("Location") != $"https://{Host}/")
        {
            yield return $"status {answer.Status}, Location {answer.Header("Location") ?? "(none)"}";
        }

        if (answer.Cookie(login.SessionCookie) is null)
        {
            yield return "no session cookie";
        }

        if (sessions is not [var session] || session.Sub != sub || session.Issuer != login.Idp.Issuer)
        {
            yield return $"{sessions.Count} sessions in the store";
        }

        if (login.UserInfoCalls != 1)
        {
            yield return $"{login.UserInfoCalls} userinfo calls";
        }
    }

    private static IEnumerable<string> Refused(Login login, WireAnswer answer, List<SessionIssued> sessions)
    {
        if (answer.Status is < 400 or >= 500)
        {
            yield return $"status {answer.Status}";
        }

        if (answer.All("Set-Cookie").Any(c => c.StartsWith(login.SessionCookie + "=", StringComparison.Ordinal)))
        {
            yield return "a session cookie";
        }

        if (sessions.Count > 0)
        {
            yield return $"{sessions.Count} sessions in the store";
        }

        if (login.UserInfoCalls > 0)
        {
            yield return $"{login.UserInfoCalls} userinfo calls";
        }
    }

    // Userinfo speaks of whomever the token names, so that only the token can be at fault.
    private static string? SubjectOf(string? token)
    {
        try
        {
            using var payload = JsonDocument.Parse(Base64Url.DecodeFromChars(token!.Split('.')[1]));
            return payload.RootElement.GetProperty("sub").GetString();
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or KeyNotFoundException
            or IndexOutOfRangeException or NullReferenceException)
        {
            return null;
        }
    }

    private sealed record Login(VectorService Gateway, VectorStore Store, VectorIdp Idp, string Nonce, string AccessToken)
    {
        private int _calls;

        public string SessionCookie => Gateway.Settings.Session.CookieName;

        public int UserInfoCalls => Idp.Log.Count(StubEndpoint.UserInfo) - _calls;

        /// <summary>From the login page to the callback's answer; also which max_age the IdP was asked for.</summary>
        public async Task<(WireAnswer Answer, string? MaxAge)> ComeBackAsync(CancellationToken ct)
        {
            _calls = Idp.Log.Count(StubEndpoint.UserInfo);
            var begun = await Gateway.SendAsync(new WireRequest("GET", "/auth/login").With("Host", Host), ct);
            if (begun.Header("Location") is not { } location)
            {
                return (begun, null);
            }

            var query = HttpUtility.ParseQueryString(new Uri(location).Query);
            var state = query["state"]!;
            await ExpectNonceAsync(state, ct);
            var cookies = string.Join("; ", begun.All("Set-Cookie").Select(c => c.Split(';')[0]));
            var back = new WireRequest("GET", $"/auth/callback?code=c-1&state={state}&iss={Uri.EscapeDataString(Idp.Issuer)}");
            return (await Gateway.SendAsync(back.With("Host", Host).With("Cookie", cookies), ct), query["max_age"]);
        }

        private async Task ExpectNonceAsync(string state, CancellationToken ct)
        {
            var pending = Gateway.Get<PendingLogins>();
            var login = await pending.TakeAsync(state, ct) ?? throw new InvalidOperationException("the login that was begun is not in the store");
            await pending.SaveAsync(state, login.BindingHash, login.Attempt with { Nonce = Nonce }, login.Again, ct);
        }
    }
}
