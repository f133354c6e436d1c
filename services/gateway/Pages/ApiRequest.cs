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

/// <summary>Whom or what of an issuer a call is about, and why.</summary>
/// <param name="Name">A <c>sub</c> or a <c>jti</c>.</param>
internal sealed record ApiTarget(string Issuer, string Name, string Reason);

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
        var (fault, body) = await ReadAsync(http, settings, ct);
        return (fault, body.Reason);
    }

    /// <summary>Reads a call that names somebody or something of an issuer in its body, with a reason.</summary>
    public static async Task<(ApiFault? Fault, ApiTarget Target)> ReadTargetAsync(
        HttpContext http, EventAuthSettings settings, string member, CancellationToken ct)
    {
        var (fault, body) = await ReadAsync(http, settings, ct);
        var name = member == "jti" ? body.Jti : body.Sub;
        if (fault is null && (!IsIdentifier(body.Issuer) || !IsIdentifier(name)))
        {
            fault = ApiFault.Bad("bad-target", $"Say whose: {{\"issuer\": \"…\", \"{member}\": \"…\", \"reason\": \"…\"}}, each text of 1 to 255 characters.");
        }

        fault ??= body.Reason is null ? ApiFault.Bad("reason-missing", "Say why: {\"reason\": \"…\"}.") : null;
        return (fault, new ApiTarget(body.Issuer ?? "", name ?? "", body.Reason ?? ""));
    }

    private static async Task<(ApiFault? Fault, Body Body)> ReadAsync(HttpContext http, EventAuthSettings settings, CancellationToken ct)
    {
        var body = new Body();
        if (CrossSite.Sent(http.Request, settings))
        {
            return (new ApiFault(StatusCodes.Status403Forbidden, "cross-site", "The request was sent by another site."), body);
        }

        if (!TryParameter(http.Request.Query, "reason", out var reason))
        {
            return (ApiFault.Bad("bad-reason", "reason is given twice."), body);
        }

        if (HasBody(http))
        {
            if (http.Request.ContentType?.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase) != true)
            {
                return (new ApiFault(StatusCodes.Status415UnsupportedMediaType, "not-json", "The body must be application/json."), body);
            }

            if (await TryReadBodyAsync(http, ct) is not { } read)
            {
                return (ApiFault.Bad("bad-body", "The body must be a JSON object whose reason, if any, is text."), body);
            }

            body = read;
        }

        reason = body.Reason ?? reason;
        return reason is not null && FaultOf(reason) is { } fault ? (fault, body) : (null, body with { Reason = reason?.Trim() });
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
            return json.RootElement is { ValueKind: JsonValueKind.Object } root
                && TryText(root, "reason", out var reason) && TryText(root, "issuer", out var issuer)
                && TryText(root, "sub", out var sub) && TryText(root, "jti", out var jti)
                ? new Body { Reason = reason, Issuer = issuer, Sub = sub, Jti = jti }
                : null;
        }
        catch (Exception e) when (e is JsonException or BadHttpRequestException or InvalidOperationException)
        {
            return null;
        }
    }

    // A member that is missing or null was not said; one of another type is no text.
    private static bool TryText(JsonElement root, string name, out string? text)
    {
        text = null;
        if (!root.TryGetProperty(name, out var member) || member.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        text = member.ValueKind == JsonValueKind.String ? member.GetString() : null;
        return text is not null;
    }

    private static bool IsIdentifier(string? text) =>
        text is { Length: > 0 and <= 255 } && !text.Any(char.IsControl) && IsWellFormed(text);

    private sealed record Body
    {
        public string? Reason { get; init; }

        public string? Issuer { get; init; }

        public string? Sub { get; init; }

        public string? Jti { get; init; }
    }
}
