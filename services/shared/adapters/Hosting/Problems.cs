using Microsoft.AspNetCore.Http;

namespace EventAuth.Adapters.Hosting;

/// <summary>Error answers to API callers (RFC 9457) with a code that stays the same from version to version.</summary>
public static class Problems
{
    public static async Task WriteAsync(HttpContext http, int status, string code, string detail)
    {
        http.Response.StatusCode = status;
        http.Response.Headers.CacheControl = "no-store";
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            http.Response.Headers.RetryAfter = "2";
        }

        await http.Response.WriteAsJsonAsync(
            new { type = "about:blank", status, code, detail }, options: null, "application/problem+json", http.RequestAborted);
    }
}
