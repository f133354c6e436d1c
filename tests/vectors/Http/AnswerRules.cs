using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using EventAuth.Contracts;
using EventAuth.Vectors.Files;

namespace EventAuth.Vectors.Http;

/// <summary>Compares an answer with what a case expects of it; every difference in words.</summary>
internal static partial class AnswerRules
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The status, and everything else that <paramref name="expect"/> says about the answer. Effects are the caller's.</summary>
    public static IEnumerable<string> Differences(Members expect, WireAnswer answer)
    {
        var status = expect.Number("status");
        var also = expect.Numbers("also");
        if (status is null)
        {
            expect.Say("has no status");
        }

        if (answer.Status != status)
        {
            // The rest is said of the first choice.
            expect.Ignore("error", "allow", "www_authenticate", "sub", "no_set_cookie", "no_header");
            return also.Contains(answer.Status) ? [] : [$"status {answer.Status}"];
        }

        return Headers(expect, answer).Concat(Content(expect, answer));
    }

    /// <summary>What was expected, for the report.</summary>
    public static string Describe(Members expect)
    {
        var text = JsonSerializer.Serialize(expect.Raw, Readable);
        return text.Length <= 160 ? text : text[..160] + "…";
    }

    /// <summary>What every answer of the webhook has to be (Back-Channel Logout 1.0, 2.8).</summary>
    public static IEnumerable<string> OfWebhook(WireAnswer answer, string token)
    {
        if (!answer.All("Cache-Control").Any(v => v.Split(',').Any(t => t.Trim().Equals("no-store", StringComparison.OrdinalIgnoreCase))))
        {
            yield return "no Cache-Control: no-store";
        }

        if (answer.Headers.Any(h => h.Name.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase)
            || h.Name.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase)))
        {
            yield return "a cookie or a CORS header";
        }

        switch (answer.Status)
        {
            case 204 or >= 500:
                yield return $"status {answer.Status}, which is never right";
                break;
            case 200 when answer.Body.Length > 0:
                yield return "a body on 200";
                break;
            case 400 when ProblemOfError(answer, token) is { } problem:
                yield return problem;
                break;
        }
    }

    private static IEnumerable<string> Headers(Members expect, WireAnswer answer)
    {
        if (expect.Text("allow") is { } allow && answer.Header("Allow") != allow)
        {
            yield return $"Allow: {answer.Header("Allow") ?? "(none)"}";
        }

        if (expect.Flag("no_set_cookie") && answer.Header("Set-Cookie") is not null)
        {
            yield return "Set-Cookie";
        }

        foreach (var name in expect.Texts("no_header").Where(n => answer.Header(n) is not null))
        {
            yield return $"{name}: {answer.Header(name)}";
        }

        if (expect.Text("www_authenticate") is { } challenge && !answer.All("WWW-Authenticate").Any(h => Answers(challenge, h)))
        {
            yield return $"WWW-Authenticate: {answer.Header("WWW-Authenticate") ?? "(none)"}";
        }

        if (expect.Text("sub") is { } sub && answer.Header(IdentityHeaders.User) != sub)
        {
            yield return $"{IdentityHeaders.User}: {answer.Header(IdentityHeaders.User) ?? "(none)"}";
        }
    }

    private static IEnumerable<string> Content(Members expect, WireAnswer answer)
    {
        if (expect.Text("error") is { } error && ErrorOf(answer) != error)
        {
            yield return $"error {ErrorOf(answer) ?? "(none)"}";
        }
    }

    // The scheme, and its parameters as they are named: "Bearer" alone wants no error (RFC 6750, 3.1); a realm is free.
    private static bool Answers(string expected, string header)
    {
        var (wanted, told) = (expected.Split(' ', 2), header.Split(' ', 2));
        var (parameters, given) = (Parameters(wanted), Parameters(told));
        return wanted[0].Equals(told[0], StringComparison.OrdinalIgnoreCase)
            && parameters.All(p => given.GetValueOrDefault(p.Key) == p.Value)
            && (parameters.ContainsKey("error") || !given.ContainsKey("error"));
    }

    private static Dictionary<string, string> Parameters(string[] challenge) =>
        challenge.Length < 2
            ? []
            : Parameter().Matches(challenge[1]).GroupBy(m => m.Groups[1].Value).ToDictionary(g => g.Key, g => g.First().Groups[2].Value);

    private static string? ErrorOf(WireAnswer answer)
    {
        try
        {
            using var body = JsonDocument.Parse(answer.Body);
            return body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty("error", out var error)
                && error.ValueKind == JsonValueKind.String ? error.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // RFC 6749, 5.2, and nothing of the token: parts shorter than this occur in plain words.
    private static string? ProblemOfError(WireAnswer answer, string token)
    {
        const int Telling = 8;
        if (answer.Header("Content-Type")?.Split(';')[0] != "application/json" || ErrorOf(answer) is null)
        {
            return "a 400 without a JSON error";
        }

        using var body = JsonDocument.Parse(answer.Body);
        if (body.RootElement.TryGetProperty("error_description", out var description) && !Description().IsMatch(description.GetString() ?? ""))
        {
            return "an error_description with characters that OAuth does not allow";
        }

        return token.Split('.').Any(p => p.Length >= Telling && answer.Text.Contains(p, StringComparison.Ordinal)) ? "a part of the token in the body" : null;
    }

    [GeneratedRegex(@"([a-z_]+)=""([^""]*)""")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\A[\x20-\x21\x23-\x5B\x5D-\x7E]*\z")]
    private static partial Regex Description();
}
