using System.Collections.Frozen;
using EventAuth.Domain.Access;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>The original request out of the headers of a proxy's question.</summary>
internal static class OriginalRequest
{
    private static readonly FrozenSet<string> Methods =
        FrozenSet.ToFrozenSet(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], StringComparer.Ordinal);

    /// <summary>
    /// Whether a proxy asks with such a method: GET, or the client's own where it is told to keep it. Nothing else is decided
    /// about; CONNECT and TRACE are for the hop itself, and proxies disagree on what follows them (CVE-2026-71324).
    /// </summary>
    public static bool MayAskBy(string method) => Methods.Contains(method);

    /// <summary>Reads it, or says why nothing can be decided about it.</summary>
    public static bool TryRead(HttpContext http, TrustedProxies proxies, out ForwardedRequest request, out DenyReason reason)
    {
        request = default;
        if (!proxies.Trusts(http.Connection.RemoteIpAddress))
        {
            reason = DenyReason.UntrustedProxy;
            return false;
        }

        var headers = http.Request.Headers;
        foreach (var header in headers)
        {
            if (HeaderAliases.IsAlias(header.Key))
            {
                reason = DenyReason.HeaderAlias;
                return false;
            }
        }

        // Who asked decides nothing here, so it may be missing; told twice, somebody is being told about somebody else.
        if (headers["X-Forwarded-For"].Count > 1)
        {
            reason = DenyReason.MalformedRequest;
            return false;
        }

        return ForwardedRequest.TryParse(
            One(headers, "X-Forwarded-Method"), One(headers, "X-Forwarded-Proto"), One(headers, "X-Forwarded-Host"),
            One(headers, "X-Forwarded-Uri"), out request, out reason);
    }

    /// <summary>What is waiting for the answer; asked only when the answer is no.</summary>
    public static RequestKind KindOf(IHeaderDictionary headers, in ForwardedRequest request) => new RequestHints
    {
        Method = request.Method,
        FetchMode = headers["Sec-Fetch-Mode"],
        FetchDest = headers["Sec-Fetch-Dest"],
        Accept = headers.Accept,
        RequestedWith = headers["X-Requested-With"],
        Origin = headers.Origin,
        AccessControlRequestMethod = headers["Access-Control-Request-Method"],
        HasWebSocketKey = headers.ContainsKey("Sec-WebSocket-Key"),
    }.Classify();

    // Twice is as bad as missing: which one would the application see?
    private static string? One(IHeaderDictionary headers, string name) =>
        headers.TryGetValue(name, out var values) && values.Count == 1 ? values[0] : null;
}
