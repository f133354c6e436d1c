using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Domain.Sessions;
using EventAuth.Gateway.Bearer;
using EventAuth.Gateway.Cookies;
using Microsoft.AspNetCore.Http;

namespace EventAuth.Bench;

/// <summary>What the hot path and the store's readers do, each beside what it cannot do without.</summary>
internal static class Cases
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public static IReadOnlyList<Case> All()
    {
        using var luck = new SecretSource();
        var secrets = Enumerable.Range(0, 64).Select(_ => luck.Next()).ToArray();
        return [.. Verify(secrets), .. Decisions(), .. History()];
    }

    private static IEnumerable<Case> Verify(byte[][] secrets)
    {
        var floor = new VerifyBench(secrets);
        var full = new VerifyBench(secrets);
        yield return new Case("answer 200 with nine headers", null, floor.AnswerOnly);
        yield return new Case("verify a known session, 64 users in turn", "answer 200 with nine headers", full.Verify);

        using var source = new TokenSource();
        var tokens = new VerifyBench(secrets, source);
        var text = source.Next();

        // Checked once, with the keys at hand; from then on they are in memory.
        Array.ForEach(secrets, _ => tokens.Verify());
        yield return new Case("SHA-256 of a token", null, () => TokenHash.Of(text).GetHashCode());
        yield return new Case("verify a known access token, 64 in turn", "answer 200 with nine headers", tokens.Verify);

        var headers = new HeaderDictionary { ["Cookie"] = "a=1; eventauth=" + System.Buffers.Text.Base64Url.EncodeToString(secrets[0]) };
        yield return new Case("SHA-256 of a secret", null, () => SessionId.OfSecret(secrets[0]).Value.GetHashCode());
        yield return new Case("cookie to id", "SHA-256 of a secret", () =>
        {
            Span<byte> secret = stackalloc byte[SessionId.SecretLength];
            return SessionCookie.TryRead(headers, "eventauth", secret) == CookieReading.Found ? SessionId.OfSecret(secret).Value.GetHashCode() : 0;
        });
    }

    private static IEnumerable<Case> Decisions()
    {
        AccessPolicy.TryBuild(
            [
                new AccessRule { Host = "app.test", PathPrefix = "/public", Access = AccessLevel.Public },
                new AccessRule { Host = "*.app.test", Access = AccessLevel.Authenticated },
                new AccessRule { Host = "app.test", Groups = ["staff"], Access = AccessLevel.Restricted },
            ],
            new Dictionary<string, IReadOnlyList<string>>(), out var policy, out _);
        var ada = SessionStanding.Valid(new Identity
        {
            SubjectKey = default,
            Issuer = "https://idp.test",
            Sub = "ada",
            Groups = ["guests", "staff"],
        });
        yield return new Case("read a request and decide", null, () =>
        {
            ForwardedRequest.TryParse("GET", "https", "app.test", "/a/b?c=d", out var request, out _);
            return AccessDecider.Decide(request, RequestKind.Api, ada, policy) is AccessDecision.Allow ? 1 : 0;
        });
    }

    private static IEnumerable<Case> History()
    {
        var issued = new SessionIssued("https://idp.test", "ada", "sid", "gateway", ["staff"], [], 7, Noon, Noon.AddHours(8), Noon.AddMinutes(5), true);
        SessionEvent[] history = [issued, .. Enumerable.Range(2, 19).Select(v => new SessionRefreshed(v, Noon, Noon.AddMinutes(5), true, "gateway"))];
        var json = history.Select(e => (Name: EventNames.Of(e), Json: EventNames.ToJson(e))).ToArray();
        yield return new Case("replay 20 events", null, () => Session.Replay(history).GetType().Name.Length);
        yield return new Case("read 20 events of JSON and replay", "replay 20 events",
            () => Session.Replay(json.Select(j => (SessionEvent)EventNames.FromJson(j.Name, j.Json))).GetType().Name.Length);
    }
}
