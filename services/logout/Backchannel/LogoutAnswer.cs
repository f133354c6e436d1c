using System.Globalization;
using System.Text.Json;

namespace EventAuth.Logout.Backchannel;

/// <summary>What the IdP is told (Back-Channel Logout 1.0, 2.8).</summary>
public abstract record LogoutAnswer
{
    private static readonly TimeSpan DefaultRetry = TimeSpan.FromSeconds(2);

    private LogoutAnswer() { }

    /// <summary>Label of the outcome in the metrics; a closed set.</summary>
    public abstract string Outcome { get; }

    /// <summary>The sessions are over, and that is committed.</summary>
    /// <param name="Fresh">False for the retransmission of a token that was obeyed before: nothing new happened.</param>
    public sealed record Done(bool Fresh, long Position) : LogoutAnswer
    {
        public override string Outcome => Fresh ? "accepted" : "repeated";
    }

    /// <summary>Nothing happened, and the same request would be refused again.</summary>
    public sealed record Refused(int Status, string Rule, string Description) : LogoutAnswer
    {
        public override string Outcome => "refused_" + Rule;
    }

    /// <summary>The token may be good, but we could not do as it says: try again.</summary>
    public sealed record Away(string Problem, TimeSpan? RetryAfter) : LogoutAnswer
    {
        public override string Outcome => "unavailable";
    }

    /// <summary>Writes status and body; headers that every answer has are set before.</summary>
    /// <param name="awayStatus">Of an answer that says "not now".</param>
    public Task WriteAsync(HttpResponse response, int awayStatus, CancellationToken ct)
    {
        switch (this)
        {
            case Refused refused:
                if (refused.Status == StatusCodes.Status405MethodNotAllowed)
                {
                    response.Headers.Allow = HttpMethods.Post;
                }

                return WriteErrorAsync(response, refused.Status, "invalid_request", refused.Description, ct);
            case Away away:
                var seconds = Math.Ceiling((away.RetryAfter ?? DefaultRetry).TotalSeconds);
                response.Headers.RetryAfter = Math.Clamp(seconds, 1, 60).ToString(CultureInfo.InvariantCulture);
                return WriteErrorAsync(response, awayStatus,
                    "temporarily_unavailable", "the logout could not be carried out now", ct);
            default:
                response.StatusCode = StatusCodes.Status200OK;
                return Task.CompletedTask;
        }
    }

    private static async Task WriteErrorAsync(HttpResponse response, int status, string error, string description, CancellationToken ct)
    {
        response.StatusCode = status;
        if (HttpMethods.IsHead(response.HttpContext.Request.Method))
        {
            return;
        }

        response.ContentType = "application/json";
        var body = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string>
        {
            ["error"] = error,
            ["error_description"] = Printable(description),
        });
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, ct);
    }

    // RFC 6749, 5.2: %x20-21 / %x23-5B / %x5D-7E.
    private static string Printable(string text) =>
        string.Concat(text.Select(c => c is >= ' ' and <= '~' and not '"' and not '\\' ? c : '?'));
}
