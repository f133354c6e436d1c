using System.Net;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>
/// Who asked the proxy: the last address of <c>X-Forwarded-For</c> that is none of the trusted proxies. What stands before
/// it the client may have written itself, so nothing before it is read.
/// </summary>
internal static class ClientAddress
{
    /// <summary>Null when the proxy does not tell, or tells what is no address.</summary>
    public static IPAddress? Of(IHeaderDictionary headers, TrustedProxies proxies)
    {
        var lines = headers["X-Forwarded-For"];
        for (var line = lines.Count - 1; line >= 0; line--)
        {
            var rest = lines[line].AsSpan();
            while (!rest.IsEmpty)
            {
                var comma = rest.LastIndexOf(',');
                if (!TryRead(rest[(comma + 1)..].Trim(), out var address))
                {
                    return null;
                }

                if (!proxies.Trusts(address))
                {
                    return address;
                }

                rest = comma < 0 ? default : rest[..comma];
            }
        }

        return null;
    }

    // With a port or brackets too, as some proxies write it; a bare IPv6 address has neither.
    private static bool TryRead(ReadOnlySpan<char> text, out IPAddress? address) =>
        IPAddress.TryParse(text, out address) || (IPEndPoint.TryParse(text, out var end) && (address = end.Address) is not null);
}
