using System.Globalization;
using System.Text.Json;
using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Audit;

/// <summary>
/// <c>/api/audit</c>: the record as it is, in the order of the store's positions. For those whom a rule names for the path;
/// everybody may read what is recorded of themselves.
/// </summary>
internal sealed class AuditApi(
    Visitors visitors, SessionIndex index, AuditQueries queries, OwnRules rules, EventAuthSettings settings, AuditLog log)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    public static Task SessionAsync(HttpContext http, AuditApi api, string id, CancellationToken ct) =>
        api.AnswerSessionAsync(http, id, ct);

    public static Task SubjectAsync(HttpContext http, AuditApi api, string key, CancellationToken ct) =>
        api.AnswerSubjectAsync(http, key, ct);

    public static Task EventsAsync(HttpContext http, AuditApi api, CancellationToken ct) => api.AnswerEventsAsync(http, ct);

    private async Task AnswerSessionAsync(HttpContext http, string text, CancellationToken ct)
    {
        if (await visitors.FindAsync(http, ct) is not { } visitor)
        {
            await ApiReply.UnauthenticatedAsync(http);
            return;
        }

        if (!SessionId.TryParse(text, out var id))
        {
            await BadAsync(http, "bad-id", "A session's id has 32 hexadecimal digits.");
            return;
        }

        var own = (await index.FindAsync(id, ct))?.Subject.Key == visitor.Key;
        await AnswerAsync(http, visitor, own, new Question($"/api/audit/sessions/{id}", EmptyIsUnknown: true,
            (after, limit) => queries.OfSessionAsync(id, after, limit, ct)), ct);
    }

    private async Task AnswerSubjectAsync(HttpContext http, string text, CancellationToken ct)
    {
        if (await visitors.FindAsync(http, ct) is not { } visitor)
        {
            await ApiReply.UnauthenticatedAsync(http);
            return;
        }

        if (!SubjectKey.TryParse(text, out var key))
        {
            await BadAsync(http, "bad-subject", "A subject's key has 32 hexadecimal digits.");
            return;
        }

        await AnswerAsync(http, visitor, own: key == visitor.Key, new Question($"/api/audit/subjects/{key}", EmptyIsUnknown: true,
            (after, limit) => queries.OfSubjectAsync(key, after, limit, ct)), ct);
    }

    private async Task AnswerEventsAsync(HttpContext http, CancellationToken ct)
    {
        if (await visitors.FindAsync(http, ct) is not { } visitor)
        {
            await ApiReply.UnauthenticatedAsync(http);
            return;
        }

        await AnswerAsync(http, visitor, own: false, new Question("/api/audit/events", EmptyIsUnknown: false,
            (after, limit) => queries.AllAsync(after, limit, ct)), ct);
    }

    private async Task AnswerAsync(HttpContext http, Visitor visitor, bool own, Question question, CancellationToken ct)
    {
        // Decide before anything is told, even whether it exists.
        if (!own && !rules.Admit(visitor, HttpMethods.Get, question.Path))
        {
            log.Refused(visitor.Key, question.Path);
            await ApiReply.NotAllowedAsync(http);
            return;
        }

        if (!ApiRequest.TryNumber(http.Request.Query, "after", 0, 0, long.MaxValue, out var after)
            || !ApiRequest.TryNumber(http.Request.Query, "limit", DefaultLimit, 1, MaxLimit, out var limit))
        {
            await BadAsync(http, "bad-parameter", $"after is a position, limit is 1 to {MaxLimit}.");
            return;
        }

        var page = await question.Load(after, (int)limit);
        if (page.Events.Count == 0 && after == 0 && question.EmptyIsUnknown)
        {
            await Problems.WriteAsync(http, StatusCodes.Status404NotFound, "unknown", "Nothing is recorded of it.");
            return;
        }

        log.Read(visitor.Key, question.Path, page.Events.Count);
        var next = string.Create(CultureInfo.InvariantCulture, $"{question.Path}?after={page.Next}&limit={limit}");
        await ApiReply.WriteAsync(http, "events", page.Events, Write, json =>
        {
            json.WriteNumber("next", page.Next);
            json.WriteBoolean("more", page.More);
        }, OwnUrl.Of(settings, next), ct);
    }

    private static void Write(Utf8JsonWriter json, StoredEvent @event)
    {
        json.WriteStartObject();
        json.WriteNumber("position", @event.Position);
        json.WriteString("id", @event.Id);
        json.WriteString("stream", @event.Stream);
        json.WriteNumber("version", @event.Version);
        json.WriteString("type", @event.Type);
        json.WriteString("at", @event.At);
        json.WriteString("correlation", @event.CorrelationId);
        json.WriteString("causation", @event.CausationId);
        json.WritePropertyName("data");
        json.WriteRawValue(@event.Data);
        json.WriteEndObject();
    }

    private static Task BadAsync(HttpContext http, string code, string detail) =>
        Problems.WriteAsync(http, StatusCodes.Status400BadRequest, code, detail);

    private sealed record Question(string Path, bool EmptyIsUnknown, Func<long, int, Task<EventPage>> Load);
}
