using System.Globalization;
using System.Text.Json;
using EventAuth.Adapters.Settings;
using Microsoft.AspNetCore.Http.Features;

namespace EventAuth.Gateway.Pages;

/// <summary>Why a call of our APIs can't be understood or must not be followed.</summary>
/// <param name="Code">Stays the same from version to version.</param>
internal sealed record ApiFault(int Status, string Code, string Detail)
{
    public static ApiFault Bad(string code, string detail) => new(StatusCodes.Status400BadRequest, code, detail);
}

/// <summary>Reads what all our API calls have in common.</summary>
internal static class ApiRequest
{
    public const int MaxReasonLength = 500;

    /// <summary>A parameter given at most once; false when given twice.</summary>
    public static bool TryParameter(IQueryCollection query, string name, out string? value)
    {
        var values = query[name];
        value = values.Count == 1 ? values[0] : null;
        return values.Count <= 1;
    }

    /// <summary>A whole number within limits; the fallback when it is not given.</summary>
    public static bool TryNumber(IQueryCollection query, string name, long fallback, long min, long max, out long number)
    {
        number = fallback;
        return TryParameter(query, name, out var text)
            && (text is null
                || (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= min && number <= max));
    }

    /// <summary><c>true</c> or <c>false</c>; the fallback when it is not given.</summary>
    public static bool TryFlag(IQueryCollection query, string name, bool fallback, out bool flag)
    {
        flag = fallback;
        return TryParameter(query, name, out var text) && (text is null || bool.TryParse(text, out flag));
    }

    /// <summary>
    /// Reads a call that changes something: refuses what another site made a browser send, and takes the reason out of
    /// the body, or out of the query for callers that can't send a body with DELETE.
    /// </summary>
    public static async Task<(ApiFault? Fault, string? Reason)> ReadChangeAsync(
        HttpContext http, EventAuthSettings settings, CancellationToken ct)
    {
        if (CrossSite.Sent(http.Request, settings))
        {
            return (new ApiFault(StatusCodes.Status403Forbidden, "cross-site", "The request was sent by another site."), null);
        }

        if (!TryParameter(http.Request.Query, "reason", out var reason))
        {
            return (ApiFault.Bad("bad-reason", "reason is given twice."), null);
        }

        if (HasBody(http))
        {
            if (http.Request.ContentType?.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase) != true)
            {
                return (new ApiFault(StatusCodes.Status415UnsupportedMediaType, "not-json", "The body must be application/json."), null);
            }

            if (await TryReadBodyAsync(http, ct) is not { } body)
            {
                return (ApiFault.Bad("bad-body", "The body must be a JSON object whose reason, if any, is text."), null);
            }

            reason = body.Reason ?? reason;
        }

        return reason is not null && FaultOf(reason) is { } fault ? (fault, null) : (null, reason?.Trim());
    }

    /// <summary>Why a text can't stand in the record as a reason; null when it can. The record is never erased.</summary>
    public static ApiFault? FaultOf(string? reason)
    {
        if (string.IsNullOrWhiteSpace(reason) || reason.Length > MaxReasonLength || reason.Any(char.IsControl) || !IsWellFormed(reason))
        {
            return ApiFault.Bad("bad-reason", $"reason must be 1 to {MaxReasonLength} printable characters.");
        }

        return reason.Contains('@')
            ? ApiFault.Bad("personal-reason", "reason must not hold an e-mail address (no '@'): it is kept for ever. Use a ticket number.")
            : null;
    }

    private static bool IsWellFormed(string text) => text.EnumerateRunes().All(r => r.Value != 0xFFFD);

    private static bool HasBody(HttpContext http) =>
        http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true && http.Request.ContentLength != 0;

    private static async Task<Body?> TryReadBodyAsync(HttpContext http, CancellationToken ct)
    {
        try
        {
            using var json = await JsonDocument.ParseAsync(http.Request.Body, new JsonDocumentOptions { MaxDepth = 8 }, ct);
            return json.RootElement switch
            {
                { ValueKind: not JsonValueKind.Object } => null,
                var root when !root.TryGetProperty("reason", out var reason) || reason.ValueKind == JsonValueKind.Null => new Body(null),
                var root when root.GetProperty("reason") is { ValueKind: JsonValueKind.String } reason => new Body(reason.GetString()),
                _ => null,
            };
        }
        catch (Exception e) when (e is JsonException or IOException or InvalidOperationException)
        {
            return null;
        }
    }

    private sealed record Body(string? Reason);
}
