using System.Text.Json;
using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Gateway.Cookies;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Sessions;

/// <summary>
/// <c>/api/sessions</c>, <c>/api/subjects</c> and <c>/api/everybody</c>: see and end sessions, one's own, or others' where a rule
/// names the caller. An end answers with its position in the revocation feed: a request to a gateway's <c>/verify</c> that
/// brings it as <c>X-Min-Position</c> is decided with this end known, or not at all (503).
/// </summary>
internal sealed class SessionsApi(
    Visitors visitors, SessionIndex index, SessionActions actions, OwnRules rules, EventAuthSettings settings, SessionsLog log)
{
    private const string Place = "/api/sessions";
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    public static Task ListAsync(HttpContext http, SessionsApi api, CancellationToken ct) => api.AnswerListAsync(http, ct);

    public static Task DeleteOneAsync(HttpContext http, SessionsApi api, string id, CancellationToken ct) =>
        api.AnswerEndAsync(http, id, "", ct);

    public static Task EndOneAsync(HttpContext http, SessionsApi api, string id, CancellationToken ct) =>
        api.AnswerEndAsync(http, id, "/end", ct);

    public static Task DeleteManyAsync(HttpContext http, SessionsApi api, CancellationToken ct) =>
        api.AnswerRevokeAsync(http, http.Request.Query["subject"] is [{ } key] ? key : "", Place, ct);

    public static Task RevokeAsync(HttpContext http, SessionsApi api, string key, CancellationToken ct) =>
        api.AnswerRevokeAsync(http, key, $"/api/subjects/{key}/revoke", ct);

    public static Task RevokeEverybodyAsync(HttpContext http, SessionsApi api, CancellationToken ct) => api.AnswerEverybodyAsync(http, ct);

    private async Task AnswerListAsync(HttpContext http, CancellationToken ct)
    {
        // Read.
        if (!SessionQuery.TryRead(http.Request.Query, DefaultLimit, MaxLimit, out var query))
        {
            await Problems.WriteAsync(http, StatusCodes.Status400BadRequest, "bad-parameter",
                $"all and live are true or false, subject is a subject key, limit is 1 to {MaxLimit}, before is the next of another page.");
            return;
        }

        if (await visitors.FindAsync(http, ct) is not { } visitor)
        {
            await ApiReply.UnauthenticatedAsync(http);
            return;
        }

        // Decide.
        SubjectKey? subject = query.All ? null : query.Subject ?? visitor.Key;
        var concernsOthers = subject != visitor.Key || !query.Live;
        if (concernsOthers && !rules.Admit(visitor, HttpMethods.Get, Place))
        {
            log.Refused(visitor.Key, HttpMethods.Get, Place, "not-allowed");
            await ApiReply.NotAllowedAsync(http);
            return;
        }

        if (concernsOthers)
        {
            log.Read(visitor.Key, subject);
        }

        // Load, answer.
        var rows = await index.ListAsync(subject, query.Live, query.Before, query.Limit, ct);
        var next = rows.Count == query.Limit ? SessionCursor.Of(rows[^1]) : null;
        await ApiReply.WriteAsync(http, "sessions", [.. rows.Where(r => !query.Live || !r.IsOver)],
            (json, row) => Write(json, row, visitor),
            json => json.WriteString("next", next),
            next is null ? null : OwnUrl.Of(settings, Place + query.NextPage(next)), ct);
    }

    private async Task AnswerEndAsync(HttpContext http, string idText, string suffix, CancellationToken ct)
    {
        var (fault, reason) = await ApiRequest.ReadChangeAsync(http, settings, ct);
        if (!SessionId.TryParse(idText, out var id))
        {
            fault ??= ApiFault.Bad("bad-id", "A session's id has 32 hexadecimal digits.");
        }

        if (await AdmitAsync(http, fault, ct) is not { } visitor)
        {
            return;
        }

        var done = await actions.EndAsync(
            visitor, id, reason, http.Request.Method, $"{Place}/{id}{suffix}", Correlation(http), ct);
        if (done is Ending.Done && id == visitor.Session.Id)
        {
            SessionCookie.Clear(http.Response, settings.Session, OwnUrl.IsSecure(settings));
        }

        await AnswerAsync(http, visitor, done, ct);
    }

    private async Task AnswerRevokeAsync(HttpContext http, string keyText, string path, CancellationToken ct)
    {
        var (fault, reason) = await ReadRevocationAsync(http, ct);
        if (!SubjectKey.TryParse(keyText, out var key))
        {
            fault ??= ApiFault.Bad("bad-subject", "A subject's key has 32 hexadecimal digits.");
        }

        if (await AdmitAsync(http, fault, ct) is not { } visitor)
        {
            return;
        }

        var done = await actions.RevokeAsync(visitor, key, reason!, http.Request.Method, path, Correlation(http), ct);
        await AnswerAsync(http, visitor, done, ct);
    }

    private async Task AnswerEverybodyAsync(HttpContext http, CancellationToken ct)
    {
        var (fault, reason) = await ReadRevocationAsync(http, ct);
        if (await AdmitAsync(http, fault, ct) is not { } visitor)
        {
            return;
        }

        var done = await actions.RevokeEverybodyAsync(visitor, reason!, Correlation(http));
        if (done is Ending.Done)
        {
            SessionCookie.Clear(http.Response, settings.Session, OwnUrl.IsSecure(settings));
        }

        await AnswerAsync(http, visitor, done, ct);
    }

    private async Task<(ApiFault? Fault, string? Reason)> ReadRevocationAsync(HttpContext http, CancellationToken ct)
    {
        var (fault, reason) = await ApiRequest.ReadChangeAsync(http, settings, ct);
        return reason is null ? (fault ?? ApiFault.Bad("reason-missing", "Say why: {\"reason\": \"…\"}."), null) : (fault, reason);
    }

    // Whoever is not signed in learns nothing more than that.
    private async Task<Visitor?> AdmitAsync(HttpContext http, ApiFault? fault, CancellationToken ct)
    {
        var visitor = await visitors.FindAsync(http, ct);
        if (visitor is null)
        {
            await ApiReply.UnauthenticatedAsync(http);
            return null;
        }

        if (fault is null)
        {
            return visitor;
        }

        log.Refused(visitor.Key, http.Request.Method, Place, fault.Code);
        await Problems.WriteAsync(http, fault.Status, fault.Code, fault.Detail);
        return null;
    }

    private async Task AnswerAsync(HttpContext http, Visitor visitor, Ending ending, CancellationToken ct)
    {
        switch (ending)
        {
            case Ending.Done done:
                await ApiReply.WriteAsync(http, new { position = done.Position, fresh = done.Fresh }, ct);
                break;
            case Ending.Unknown:
                await Problems.WriteAsync(http, StatusCodes.Status404NotFound, "unknown", "There is no such session or subject.");
                break;
            default:
                log.Refused(visitor.Key, http.Request.Method, Place, "not-allowed");
                await ApiReply.NotAllowedAsync(http);
                break;
        }
    }

    private static string Correlation(HttpContext http) => $"request:{http.TraceIdentifier}";

    private static void Write(Utf8JsonWriter json, SessionRow row, Visitor visitor)
    {
        json.WriteStartObject();
        json.WriteString("id", row.Id.ToString());
        json.WriteString("subject", row.Subject.Key.ToString());
        json.WriteString("issuer", row.Subject.Issuer);
        json.WriteString("sub", row.Subject.Sub);
        json.WriteString("name", row.Name);
        json.WriteString("email", row.Email);
        json.WriteString("clientId", row.ClientId);
        WriteList(json, "groups", row.Groups);
        WriteList(json, "roles", row.Roles);
        json.WriteString("startedAt", row.IssuedAt);
        json.WriteString("expiresAt", row.ExpiresAt);
        json.WriteString("lastSeenAt", row.SeenAt ?? row.IssuedAt);
        json.WriteString("verifiedAt", row.VerifiedAt);
        json.WriteString("userAgent", row.UserAgent);
        json.WriteBoolean("revoked", row.RevokedPosition > row.Position);
        WriteTime(json, "endedAt", row.EndedAt);
        json.WriteString("endReason", row.EndReason);
        json.WriteBoolean("current", row.Id == visitor.Session.Id);
        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void WriteTime(Utf8JsonWriter json, string name, DateTimeOffset? time)
    {
        if (time is { } at)
        {
            json.WriteString(name, at);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
