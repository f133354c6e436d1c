using System.Buffers;

namespace EventAuth.Domain.Access;

/// <summary>
/// The original request as the proxy tells it. Parsing it costs no allocation as long as the host is in its normal
/// spelling and the path has no escapes, dot segments, parameters or doubled slashes.
/// </summary>
public readonly record struct ForwardedRequest
{
    /// <summary>Longer ones are refused; the proxies in front have smaller limits by default.</summary>
    public const int MaxUriLength = 8192;

    private const int MaxMethodLength = 32;
    private static readonly SearchValues<char> MethodCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private readonly RequestPath _path;

    private ForwardedRequest(string method, string proto, string host, string authority, string uri, RequestPath path)
    {
        Method = method;
        Proto = proto;
        Host = host;
        Authority = authority;
        Uri = uri;
        _path = path;
    }

    /// <summary>As sent; methods are compared with their case.</summary>
    public string Method { get; }

    /// <summary><c>http</c> or <c>https</c>, also for WebSocket handshakes.</summary>
    public string Proto { get; }

    /// <summary>Lower case, without port and trailing dot, in punycode.</summary>
    public string Host { get; }

    /// <summary>The host with the port, if one was sent.</summary>
    public string Authority { get; }

    /// <summary>Path and query as sent.</summary>
    public string Uri { get; }

    /// <summary>The path that rules see: decoded, without dot segments and doubled slashes.</summary>
    public ReadOnlySpan<char> Path => _path.Resolved(Uri);

    /// <summary>Where to send a browser back to. Characters that a URL must not have are percent-encoded.</summary>
    public string Url => $"{Proto}://{Authority}{UrlText.Escape(Uri)}";

    /// <summary>True when every application reads the path alike, so that <see cref="Path"/> alone decides.</summary>
    internal bool HasOneReading => _path.HasOneReading;

    /// <summary>The path as an application sees it that decodes and does nothing else.</summary>
    internal ReadOnlySpan<char> LiteralPath => _path.Literal(Uri);

    /// <summary>The path as an application sees it that cuts off parameters (<c>;x=1</c>), or parses what it decoded once more.</summary>
    internal ReadOnlySpan<char> BarePath => _path.Bare(Uri);

    /// <summary>
    /// Reads the proxy's account. Each value is null when its header is missing or came more than once: there is no rule
    /// by which to choose between two.
    /// </summary>
    public static bool TryParse(
        string? method, string? proto, string? host, string? uri, out ForwardedRequest request, out DenyReason reason)
    {
        request = default;
        reason = DenyReason.MalformedRequest;
        if (method is null || proto is null || host is null || uri is null
            || !IsMethod(method)
            || !TryReadProto(proto, out var scheme)
            || !TryReadHost(host, out var name, out var authority)
            || !IsUri(uri))
        {
            return false;
        }

        if (!RequestPath.TryRead(uri, out var path, out reason))
        {
            return false;
        }

        request = new ForwardedRequest(method, scheme, name, authority, uri, path);
        return true;
    }

    // CONNECT asks for a tunnel instead of a page, and TRACE has an application send back the very headers that say who asks.
    private static bool IsMethod(string text) =>
        text.Length is > 0 and <= MaxMethodLength
        && !text.AsSpan().ContainsAnyExcept(MethodCharacters)
        && !text.Equals("CONNECT", StringComparison.OrdinalIgnoreCase)
        && !text.Equals("TRACE", StringComparison.OrdinalIgnoreCase)
        && !text.Equals("TRACK", StringComparison.OrdinalIgnoreCase);

    // Traefik says ws and wss for WebSocket handshakes when it trusts the header.
    private static bool TryReadProto(string text, out string proto)
    {
        proto = text switch
        {
            "https" or "wss" => "https",
            "http" or "ws" => "http",
            _ => string.Empty,
        };
        return proto.Length > 0;
    }

    private static bool TryReadHost(string text, out string host, out string authority)
    {
        authority = text;
        if (!HostName.TrySplit(text, out var name, out var port) || !HostName.TryNormalise(name, out host))
        {
            host = string.Empty;
            return false;
        }

        // Keeps the very string that was sent wherever it is already what we would write.
        authority = (port, ReferenceEquals(host, name)) switch
        {
            (0, _) => host,
            (_, true) => text,
            _ => $"{host}:{port}",
        };
        return true;
    }

    private static bool IsUri(string text) =>
        text.Length is > 0 and <= MaxUriLength
        && text[0] == '/'
        && UrlText.IsVisible(text)
        && UrlText.HasWholeEscapes(PathOf(text));

    // A query such as "?q=100%" is what browsers send and applications read: it takes no part in any decision.
    private static ReadOnlySpan<char> PathOf(string uri) => uri.IndexOf('?') is >= 0 and var query ? uri.AsSpan(0, query) : uri;
}
