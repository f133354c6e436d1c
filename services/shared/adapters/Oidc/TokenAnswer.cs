using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EventAuth.Domain.Refresh;

namespace EventAuth.Adapters.Oidc;

/// <summary>Reads a successful answer of the token endpoint (RFC 6749 5.1).</summary>
internal static class TokenAnswer
{
    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(30);

    /// <summary>The tokens, or null when the answer has none that we could use.</summary>
    /// <param name="askedAt">When the question was sent: the lifetime may have begun then.</param>
    public static TokenSet? Read(JsonElement answer, DateTimeOffset askedAt) =>
        Text(answer, "access_token") is { } accessToken
        && string.Equals(Text(answer, "token_type"), "Bearer", StringComparison.OrdinalIgnoreCase)
            ? new TokenSet(accessToken, Text(answer, "refresh_token"), Text(answer, "id_token"), askedAt + Lifetime(answer))
            : null;

    /// <summary>The subject that userinfo names; null when it names none.</summary>
    public static string? Subject(JsonElement claims) => Text(claims, "sub");

    /// <summary>What an HTTP reply means, before its content is looked at.</summary>
    public static ProviderAnswer Classify(HttpReply reply, ProviderEndpoint endpoint, IReadOnlySet<string> fatalErrors) =>
        reply switch
        {
            HttpReply.Failed failed => new ProviderAnswer.Unavailable(failed.Error, null),
            HttpReply.Answer answer => ProviderAnswers.Classify(
                new ProviderReply(answer.Status, ErrorOf(answer, endpoint), answer.Json is not null, endpoint, answer.RetryAfter),
                fatalErrors),
            _ => throw new UnreachableException(),
        };

    private static string? ErrorOf(HttpReply.Answer answer, ProviderEndpoint endpoint)
    {
        if (answer.Json is { } json && json.TryGetProperty("error", out var error))
        {
            return error.ValueKind == JsonValueKind.String ? error.GetString() : "";
        }

        return endpoint == ProviderEndpoint.Token ? null : answer.AuthenticateError;
    }

    // Some IdPs send the seconds as text.
    private static TimeSpan Lifetime(JsonElement answer)
    {
        double? seconds = answer.TryGetProperty("expires_in", out var member)
            ? member.ValueKind switch
            {
                JsonValueKind.Number when member.TryGetDouble(out var number) => number,
                JsonValueKind.String when double.TryParse(
                    member.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
                _ => null,
            }
            : null;
        return seconds switch
        {
            null or not > 0 => DefaultLifetime,
            _ when seconds >= MaxLifetime.TotalSeconds => MaxLifetime,
            _ => TimeSpan.FromSeconds(seconds.Value),
        };
    }

    private static string? Text(JsonElement answer, string name) =>
        answer.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String && member.GetString() is { Length: > 0 } text
            ? text
            : null;
}
