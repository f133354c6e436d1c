using System.Text;

namespace EventAuth.Logout.Frontchannel;

/// <summary>
/// What the IdP's page shows in its invisible frame. Always the same words, with nothing of the request in them: whoever asks
/// does not learn whether there was such a session.
/// </summary>
internal static class FrontchannelPage
{
    private static readonly byte[] Over = Page("Signed out", "This session is over here.");
    private static readonly byte[] Wrong = Page("No logout", "iss and sid are needed, each once.");
    private static readonly byte[] Away = Page("Not now", "The logout could not be carried out now.");

    /// <param name="framedBy">The IdP whose page may show this one in a frame; nobody else's may.</param>
    public static Task WriteAsync(HttpResponse response, int status, Uri? framedBy)
    {
        var body = status switch
        {
            StatusCodes.Status200OK => Over,
            >= StatusCodes.Status500InternalServerError => Away,
            _ => Wrong,
        };
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = body.Length;
        response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {(framedBy is null ? "'none'" : Origin(framedBy))}";
        response.Headers.XContentTypeOptions = "nosniff";
        // The address holds a sid.
        response.Headers["Referrer-Policy"] = "no-referrer";
        return HttpMethods.IsHead(response.HttpContext.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(body, CancellationToken.None).AsTask();
    }

    /// <summary>Scheme, host and port: no user names, and nothing that is not ASCII in a header.</summary>
    private static string Origin(Uri issuer)
    {
        var host = issuer.HostNameType == UriHostNameType.IPv6 ? issuer.Host : issuer.IdnHost;
        return issuer.IsDefaultPort ? $"{issuer.Scheme}://{host}" : string.Create(null, $"{issuer.Scheme}://{host}:{issuer.Port}");
    }

    private static byte[] Page(string title, string text) => Encoding.UTF8.GetBytes($"""
        <!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body><p>{text}</p></body></html>

        """);
}
