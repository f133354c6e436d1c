using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text.Json;

namespace EventAuth.Adapters.Oidc;

/// <summary>An IdP's answer, whole and within bounds, or why there is none.</summary>
internal abstract record HttpReply
{
    private HttpReply() { }

    /// <summary>The answer.</summary>
    /// <param name="Json">The body when it is said to be JSON and is one strict object.</param>
    /// <param name="AuthenticateError">Error code of <c>WWW-Authenticate: Bearer</c> (RFC 6750, 3).</param>
    public sealed record Answer(int Status, byte[] Body, JsonElement? Json, string? AuthenticateError, TimeSpan? RetryAfter) : HttpReply
    {
        /// <summary>The body is said to be a signed token.</summary>
        public bool IsJwt { get; init; }
    }

    /// <summary>No answer, or not a whole one.</summary>
    public sealed record Failed(string Error) : HttpReply;
}

/// <summary>One HTTP call to an IdP: no redirects, at most 1 MiB after decompression, within a time limit.</summary>
public static class ProviderHttp
{
    /// <summary>Longest body, counted after decompression, so that a small bomb stays small.</summary>
    public const int MaxBody = 1024 * 1024;

    private const int ChunkLength = 16 * 1024;
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromHours(1);

    /// <summary>The handler for all calls to IdPs: redirects are answers here, cookies are nobody's.</summary>
    public static HttpMessageHandler NewHandler() => new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.All,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        MaxResponseHeadersLength = 32,
    };

    /// <summary>Sends a request and reads its whole answer.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up; a time-out is an answer instead.</exception>
    internal static async Task<HttpReply> SendAsync(
        HttpClient http, HttpRequestMessage request, TimeSpan timeout, TimeProvider clock, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(timeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            var body = await ReadAsync(response.Content, both.Token);
            return body is null ? new HttpReply.Failed("too_large") : AnswerOf(response, body, clock);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new HttpReply.Failed("timeout");
        }
        catch (HttpRequestException e)
        {
            return new HttpReply.Failed(ErrorOf(e));
        }
        catch (IOException)
        {
            return new HttpReply.Failed("truncated");
        }
        catch (InvalidDataException)
        {
            return new HttpReply.Failed("undecodable");
        }
    }

    private static async Task<byte[]?> ReadAsync(HttpContent content, CancellationToken ct)
    {
        await using var stream = await content.ReadAsStreamAsync(ct);
        var body = new ArrayBufferWriter<byte>();
        while (await stream.ReadAsync(body.GetMemory(ChunkLength), ct) is > 0 and var read)
        {
            body.Advance(read);
            if (body.WrittenCount > MaxBody)
            {
                return null;
            }
        }

        return body.WrittenSpan.ToArray();
    }

    private static HttpReply.Answer AnswerOf(HttpResponseMessage response, byte[] body, TimeProvider clock)
    {
        JsonElement? json = IsJson(response.Content.Headers.ContentType) && StrictJson.TryParseObject(body, out var root) ? root : null;
        return new HttpReply.Answer(
            (int)response.StatusCode, body, json, AuthenticateErrorOf(response), RetryAfterOf(response, clock))
        {
            IsJwt = "application/jwt".Equals(response.Content.Headers.ContentType?.MediaType, StringComparison.OrdinalIgnoreCase),
        };
    }

    private static bool IsJson(MediaTypeHeaderValue? type) =>
        type?.MediaType is { } media
        && (media.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || (media.StartsWith("application/", StringComparison.OrdinalIgnoreCase)
                && media.EndsWith("+json", StringComparison.OrdinalIgnoreCase)));

    private static string? AuthenticateErrorOf(HttpResponseMessage response)
    {
        const string Error = "error=\"";
        var parameter = response.Headers.WwwAuthenticate
            .FirstOrDefault(h => h.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))?.Parameter;
        if (parameter is null || parameter.IndexOf(Error, StringComparison.OrdinalIgnoreCase) is not (>= 0 and var start))
        {
            return null;
        }

        var rest = parameter.AsSpan(start + Error.Length);
        var end = rest.IndexOf('"');
        return end > 0 ? rest[..end].ToString() : null;
    }

    private static TimeSpan? RetryAfterOf(HttpResponseMessage response, TimeProvider clock)
    {
        var after = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - clock.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return after > MaxRetryAfter ? MaxRetryAfter : after > TimeSpan.Zero ? after : null;
    }

    private static string ErrorOf(HttpRequestException e) => e switch
    {
        { InnerException: AuthenticationException } => "tls",
        { HttpRequestError: HttpRequestError.SecureConnectionError } => "tls",
        { HttpRequestError: HttpRequestError.NameResolutionError } => "dns",
        { HttpRequestError: HttpRequestError.ConnectionError } => "connection",
        { HttpRequestError: HttpRequestError.ResponseEnded } => "truncated",
        _ => "network",
    };
}
