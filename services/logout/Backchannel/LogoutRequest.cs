using System.Buffers;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace EventAuth.Logout.Backchannel;

/// <summary>Reads the webhook's request: method, kind and size of the body, then the form in it.</summary>
internal static class LogoutRequest
{
    // More than a form may hold (LogoutForm), so that one with far too many parameters is told what is wrong with it.
    private const int BodyLimit = 128 * 1024;

    /// <summary>The token, or the answer to a request that has none. The query and the cookies are never looked at.</summary>
    public static async Task<(string? Token, LogoutAnswer? Answer)> ReadAsync(HttpRequest request, CancellationToken ct)
    {
        if (!HttpMethods.IsPost(request.Method))
        {
            return (null, new LogoutAnswer.Refused(StatusCodes.Status405MethodNotAllowed, "method", "use POST"));
        }

        if (!IsForm(request))
        {
            return (null, Bad("content-type", "the body must be application/x-www-form-urlencoded"));
        }

        var (body, problem) = await ReadBodyAsync(request, ct);
        if (body is null)
        {
            return (null, problem);
        }

        return LogoutForm.Parse(body) switch
        {
            LogoutForm.Found found => (found.Token, null),
            LogoutForm.Refused refused => (null, Bad(refused.Rule, refused.Description)),
            _ => (null, Bad("form", "the form cannot be read")),
        };
    }

    private static bool IsForm(HttpRequest request) =>
        request.Headers.ContentType is [{ } text]
        && MediaTypeHeaderValue.TryParse(text, out var type)
        && type.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)
        && request.Headers.ContentEncoding.Count == 0;

    private static async Task<(byte[]? Body, LogoutAnswer? Answer)> ReadBodyAsync(HttpRequest request, CancellationToken ct)
    {
        var tooLarge = new LogoutAnswer.Refused(
            StatusCodes.Status413PayloadTooLarge, "too-large", "the body is larger than 128 KiB");
        if (request.ContentLength > BodyLimit)
        {
            return (null, tooLarge);
        }

        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = BodyLimit;
        }

        try
        {
            while (true)
            {
                var read = await request.BodyReader.ReadAsync(ct);
                var isTooLarge = read.Buffer.Length > BodyLimit;
                if (isTooLarge || read.IsCompleted)
                {
                    // Every read is closed by an advance, or the connection dies after the answer.
                    var body = isTooLarge ? null : read.Buffer.ToArray();
                    request.BodyReader.AdvanceTo(read.Buffer.End);
                    return (body, isTooLarge ? tooLarge : null);
                }

                request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (BadHttpRequestException e)
        {
            // The server's own limits: too large, too slow, broken chunks.
            return (null, e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? tooLarge
                : new LogoutAnswer.Refused(e.StatusCode, "body", "the body cannot be read"));
        }
        catch (IOException)
        {
            // The size of a chunk is beyond all numbers, or there is nobody to answer any more.
            return (null, Bad("body", "the body cannot be read"));
        }
    }

    private static LogoutAnswer.Refused Bad(string rule, string description) =>
        new(StatusCodes.Status400BadRequest, rule, description);
}
