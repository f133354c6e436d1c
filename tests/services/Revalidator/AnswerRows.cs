using System.Text.Json.Nodes;
using EventAuth.Adapters.Refresh;
using EventAuth.Domain.Refresh;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>One row of the table of answers.</summary>
/// <param name="Log">Level and id of a line that must be there; empty: any or none.</param>
internal sealed record AnswerRow(
    string What, StubEndpoint At, Func<StubProvider, StubAnswer> Answer, string Outcome, string Events, string Log)
{
    public bool Refreshable { get; init; } = true;

    public bool Hangs { get; init; }

    public IReadOnlyList<(string, string)> Settings { get; init; } = [];
}

/// <summary>The table: what an IdP, or something in its place, has been seen to answer.</summary>
internal static class AnswerRows
{
    private const string Verified = "SessionRefreshed";
    private const string LogFailed = "Warning 104";

    // Whether the IdP has used the refresh token up is unknown then.
    private const string LogUnknown = "Warning 111";
    private const string LogRevoked = "Information 2006";
    private const string LogAlarm = "Critical 106";

    public static readonly IReadOnlyList<AnswerRow> All =
    [
        Row("the truth", StubEndpoint.None, StubAnswer.Empty(200), "verified", Verified, ""),
        Fatal("400 invalid_grant", StubAnswer.Error("invalid_grant"), "invalid_grant"),
        Fatal("401 invalid_grant", StubAnswer.Error("invalid_grant", 401), "invalid_grant"),
        Fatal("403 invalid_grant", StubAnswer.Error("invalid_grant", 403), "invalid_grant"),
        Alarm("401 invalid_client", StubAnswer.Error("invalid_client", 401), "invalid_client"),
        Alarm("400 unauthorized_client", StubAnswer.Error("unauthorized_client"), "unauthorized_client"),
        Alarm("400 unsupported_grant_type", StubAnswer.Error("unsupported_grant_type"), "unsupported_grant_type"),
        Alarm("400 invalid_scope", StubAnswer.Error("invalid_scope"), "invalid_scope"),
        Fatal("401 invalid_client, listed by the operator", StubAnswer.Error("invalid_client", 401), "invalid_client") with
        {
            Settings = [("revalidation.fatalErrors", "invalid_client")],
        },
        Skipped("400 invalid_request", StubAnswer.Error("invalid_request"), "invalid_request"),
        Fatal("400 invalid_request of an issuer that lists it (dex)", StubAnswer.Error("invalid_request"), "invalid_request") with
        {
            Settings = [("providers.0.fatalErrors", "invalid_request")],
        },
        Skipped("400 invalid_grant, taken out by the operator", StubAnswer.Error("invalid_grant"), "invalid_grant") with
        {
            Settings = [("revalidation.nonFatalErrors", "invalid_grant")],
        },
        Skipped("400 with an error it made up", StubAnswer.Error("hiccup"), "hiccup"),
        Skipped("400 with an error that is no code", StubAnswer.Error("a\r\nb"), "unreadable_error"),
        Skipped("403 page of a firewall", StubAnswer.Text(403, "<html>", "text/html"), "http_403"),
        Skipped("401 without body", StubAnswer.Empty(401), "http_401"),
        Skipped("400 invalid_grant, said to be HTML", StubAnswer.Error("invalid_grant") with { ContentType = "text/html" }, "http_400"),
        Skipped("429", StubAnswer.Empty(429), "http_429"),
        Skipped("429 invalid_grant", StubAnswer.Error("invalid_grant", 429), "http_429"),
        Skipped("408", StubAnswer.Empty(408), "http_408"),
        Skipped("500", StubAnswer.Empty(500), "http_500"),
        Skipped("503 invalid_grant", StubAnswer.Error("invalid_grant", 503), "http_503"),
        Skipped("301", StubAnswer.Redirect("http://127.0.0.1:1/"), "http_301"),
        Skipped("204", StubAnswer.Empty(204), "http_204"),
        Skipped("200 page of a captive portal", StubAnswer.Text(200, "<html>", "text/html"), "not_json"),
        Skipped("200 JSON cut off", StubAnswer.Json(200, new { access_token = "x" }) with { Truncated = true }, "truncated"),
        Skipped("200 half a JSON object", StubAnswer.Text(200, "{\"access_token\":"), "not_json"),
        Skipped("200 JSON array", StubAnswer.Text(200, "[]"), "not_json"),
        Skipped("200 invalid_grant", StubAnswer.Error("invalid_grant", 200), "error_in_200"),
        Skipped("200 without tokens", StubAnswer.Json(200, new { ok = true }), "no_tokens"),
        Skipped("200 tokens as plain text", StubAnswer.Text(200, "{\"access_token\":\"x\",\"token_type\":\"Bearer\"}", "text/plain"), "not_json"),
        Skipped("200 of two megabytes", new StubAnswer(200, new byte[2_000_000]), "too_large"),
        Skipped("200 gzip bomb", StubAnswer.Bomb(20_000_000), "too_large"),
        Skipped("200 no gzip, said to be", StubAnswer.Text(200, "{}") with { Headers = Gzip }, "undecodable"),
        Row("silence", StubEndpoint.Token, StubAnswer.Hang(), "not fatal", "RevalidationSkipped timeout", "") with { Hangs = true },
        Fatal("200 ID token of somebody else", idp => Tokens(idp, c => c["sub"] = "mallory"), "IdentityChanged", "sub-changed"),
        Fatal("200 ID token of another issuer", idp => Tokens(idp, c => c["iss"] = "https://evil.example"), "IdentityChanged", "iss"),
        Skipped("200 ID token for another client", idp => Tokens(idp, c => c["aud"] = "another"), "id_token_refused"),

        UserInfo("userinfo 401 with a fresh access token", StubAnswer.Empty(401), "fatal", "SubjectRevoked RefusedByProvider userinfo_401", LogRevoked),
        UserInfo("userinfo 403", StubAnswer.Empty(403), "not fatal", "RevalidationSkipped http_403", ""),
        UserInfo("userinfo 403, listed by the operator", StubAnswer.Empty(403), "fatal", "SubjectRevoked RefusedByProvider userinfo_403", LogRevoked) with
        {
            Settings = [("revalidation.fatalErrors", "userinfo_403")],
        },
        UserInfo("userinfo 503", StubAnswer.Empty(503), "not fatal", "RevalidationSkipped http_503", ""),
        UserInfo("userinfo 400 invalid_grant", StubAnswer.Error("invalid_grant"), "not fatal", "RevalidationSkipped http_400", ""),
        UserInfo("userinfo 200 page of a captive portal", StubAnswer.Text(200, "<html>", "text/html"), "not fatal", "RevalidationSkipped not_json", ""),
        UserInfo("userinfo 200 without sub", StubAnswer.Json(200, new { name = "x" }), "not fatal", "RevalidationSkipped sub_missing", ""),
        UserInfo("userinfo 200 of somebody else", StubAnswer.Json(200, new { sub = "mallory" }), "fatal",
            "SubjectRevoked IdentityChanged sub-changed", LogRevoked),
        Row("userinfo 401, no refresh token", StubEndpoint.UserInfo, StubAnswer.Empty(401), "this session ends",
            "SessionEnded Unverified access_token_refused", "Warning 2007") with
        { Refreshable = false },
        Row("userinfo 503, no refresh token", StubEndpoint.UserInfo, StubAnswer.Empty(503), "not fatal",
            "RevalidationSkipped http_503", "") with
        { Refreshable = false },
        Row("the truth, no refresh token", StubEndpoint.None, StubAnswer.Empty(200), "verified", "", "") with { Refreshable = false },
    ];

    private static Dictionary<string, string> Gzip => new() { ["Content-Encoding"] = "gzip" };

    private static AnswerRow Row(string what, StubEndpoint at, StubAnswer answer, string outcome, string events, string log) =>
        new(what, at, _ => answer, outcome, events, log);

    private static AnswerRow Fatal(string what, StubAnswer answer, string code) => Fatal(what, _ => answer, "RefusedByProvider", code);

    private static AnswerRow Fatal(string what, Func<StubProvider, StubAnswer> answer, string reason, string code) =>
        new(what, StubEndpoint.Token, answer, "fatal", $"SubjectRevoked {reason} {code}", LogRevoked);

    private static AnswerRow Alarm(string what, StubAnswer answer, string code) =>
        new(what, StubEndpoint.Token, _ => answer, "alarm", $"SessionRefreshFailed {code}", LogAlarm);

    private static AnswerRow Skipped(string what, StubAnswer answer, string code) => Skipped(what, _ => answer, code);

    private static AnswerRow Skipped(string what, Func<StubProvider, StubAnswer> answer, string code) =>
        new(what, StubEndpoint.Token, answer, "not fatal", $"SessionRefreshFailed {code}, RevalidationSkipped {code}",
            SpentToken.IsPossible(new ProviderAnswer.Unavailable(code, null)) ? LogUnknown : LogFailed);

    private static AnswerRow UserInfo(string what, StubAnswer answer, string outcome, string events, string log) =>
        new(what, StubEndpoint.UserInfo, _ => answer, outcome, $"{Verified}, {events}", log);

    // Good tokens but for what the row changes in the ID token.
    private static StubAnswer Tokens(StubProvider idp, Action<JsonObject> change)
    {
        var now = idp.Options.Clock.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject { ["iss"] = idp.Issuer, ["aud"] = idp.Options.ClientId, ["sub"] = "x", ["iat"] = now, ["exp"] = now + 60 };
        change(claims);
        return StubAnswer.Text(200, new JsonObject
        {
            ["access_token"] = "at",
            ["token_type"] = "Bearer",
            ["expires_in"] = 300,
            ["refresh_token"] = "rt",
            ["id_token"] = idp.SigningKeys.Sign(claims, type: null),
        }.ToJsonString());
    }
}
