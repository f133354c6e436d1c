using System.Text.Json;
using EventAuth.Adapters.Hosting;

namespace EventAuth.Gateway.Pages;

/// <summary>How our APIs answer: JSON, or one line of JSON per item for whoever asks for NDJSON.</summary>
internal static class ApiReply
{
    private const string NdJson = "application/x-ndjson";

    /// <summary>A page of items; where it goes on stands in the body and, for lines, in <c>Link</c> (RFC 8288).</summary>
    /// <param name="next">URL of the next page; null on the last.</param>
    /// <param name="rest">Members beside the items.</param>
    public static async Task WriteAsync<T>(
        HttpContext http, string name, IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write, Action<Utf8JsonWriter> rest,
        string? next, CancellationToken ct)
    {
        Protect(http);
        if (next is not null)
        {
            http.Response.Headers.Link = $"<{next}>; rel=\"next\"";
        }

        if (http.Request.Headers.Accept.ToString().Contains(NdJson, StringComparison.OrdinalIgnoreCase))
        {
            http.Response.ContentType = NdJson;
            await WriteLinesAsync(http, items, write, ct);
            return;
        }

        http.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(http.Response.Body);
        json.WriteStartObject();
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            write(json, item);
        }

        json.WriteEndArray();
        rest(json);
        json.WriteEndObject();
        await json.FlushAsync(ct);
    }

    /// <summary>One small object.</summary>
    public static Task WriteAsync(HttpContext http, object answer, CancellationToken ct)
    {
        Protect(http);
        return http.Response.WriteAsJsonAsync(answer, answer.GetType(), ct);
    }

    /// <summary>Nobody is signed in.</summary>
    public static Task UnauthenticatedAsync(HttpContext http) => Problems.WriteAsync(
        http, StatusCodes.Status401Unauthorized, "unauthenticated", "There is no live session; sign in at /auth/login.");

    /// <summary>No rule names whoever is signed in.</summary>
    public static Task NotAllowedAsync(HttpContext http) => Problems.WriteAsync(
        http, StatusCodes.Status403Forbidden, "not-allowed", "No rule for this host and path names you.");

    private static void Protect(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.XContentTypeOptions = "nosniff";
    }

    private static async Task WriteLinesAsync<T>(
        HttpContext http, IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write, CancellationToken ct)
    {
        using var line = new MemoryStream();
        await using var json = new Utf8JsonWriter(line);
        foreach (var item in items)
        {
            write(json, item);
            await json.FlushAsync(ct);
            line.WriteByte((byte)'\n');
            await http.Response.Body.WriteAsync(line.GetBuffer().AsMemory(0, (int)line.Length), ct);
            line.SetLength(0);
            json.Reset(line);
        }
    }
}
