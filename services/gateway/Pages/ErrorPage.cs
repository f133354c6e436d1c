using System.Globalization;

namespace EventAuth.Gateway.Pages;

/// <summary>Why somebody does not get what they asked for, in words for people and in a code for programs.</summary>
/// <param name="Code">Stays the same from version to version.</param>
internal sealed record Problem(int Status, string Code, string Title, string Text)
{
    /// <summary>When asking again makes sense; given with status 503.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What the page's link says.</summary>
    public string LinkText { get; init; } = "Try again";

    /// <summary>The store does not answer.</summary>
    public static readonly Problem StoreAway = new(
        StatusCodes.Status503ServiceUnavailable, "store-unavailable", "Please try again in a moment",
        "A part of this service does not answer right now.")
    {
        RetryAfter = TimeSpan.FromSeconds(2),
    };

    /// <summary>The IdP and our settings contradict each other.</summary>
    public static readonly Problem ProviderMisconfigured = new(
        StatusCodes.Status502BadGateway, "provider-misconfigured", "Signing in is not possible",
        "The sign-in service does not accept this site, or is not the one this site expects. Its operators have to correct that.");

    /// <summary>The IdP does not answer.</summary>
    public static Problem ProviderAway(TimeSpan? retryAfter) => new(
        StatusCodes.Status503ServiceUnavailable, "provider-unavailable", "Please try again in a moment",
        "The sign-in service does not answer right now.")
    {
        RetryAfter = retryAfter ?? TimeSpan.FromSeconds(5),
    };
}

/// <summary>Answers with a problem: a small page for people, RFC 9457 JSON for programs that ask for JSON.</summary>
internal static class ErrorPage
{
    /// <param name="incident">The short id under which log and events know more.</param>
    /// <param name="link">Where to go from here, if anywhere; an address of ours.</param>
    public static Task WriteAsync(HttpContext http, Problem problem, string? incident, string? link, CancellationToken ct)
    {
        if (problem.RetryAfter is { } wait)
        {
            var seconds = Math.Clamp((int)Math.Ceiling(wait.TotalSeconds), 1, 300);
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (WantsJson(http.Request))
        {
            http.Response.StatusCode = problem.Status;
            http.Response.Headers.CacheControl = "no-store";
            return http.Response.WriteAsJsonAsync(
                new { type = "about:blank", status = problem.Status, code = problem.Code, detail = problem.Text, incident },
                options: null, "application/problem+json", ct);
        }

        var way = link is null ? Html.Empty : Html.Of($"""<p><a href="{link}">{problem.LinkText}</a></p>""");
        var reference = Html.Of($"""<p class="m">{problem.Code}{(incident is null ? "" : $" · incident {incident}")}</p>""");
        return Page.WriteAsync(http, problem.Status, problem.Title,
            Html.Of($"<h1>{problem.Title}</h1><p>{problem.Text}</p>{way}{reference}"), PageForm.Plain, ct);
    }

    private static bool WantsJson(HttpRequest request)
    {
        var accept = request.Headers.Accept.ToString();
        return accept.Contains("json", StringComparison.OrdinalIgnoreCase)
            && !accept.Contains("text/html", StringComparison.OrdinalIgnoreCase);
    }
}
