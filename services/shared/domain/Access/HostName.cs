using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EventAuth.Domain.Access;

/// <summary>The one spelling of a host that is compared: lower case, no trailing dot, punycode, IPv6 in brackets.</summary>
internal static class HostName
{
    private const int MaxLength = 253;
    private const int MaxLabelLength = 63;
    private static readonly SearchValues<char> Canonical = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");
    private static readonly SearchValues<char> Address = SearchValues.Create("0123456789abcdef:.");

    private static readonly IdnMapping Idn = new();

    /// <summary>Normalises a host without a port; the very same string when it is normal already.</summary>
    public static bool TryNormalise(string text, out string host)
    {
        host = text;
        if (text.Length is > 0 and <= MaxLength && !text.AsSpan().ContainsAnyExcept(Canonical) && HasGoodLabels(text))
        {
            return true;
        }

        // One trailing dot is the root; a second one is an empty label and fails below.
        host = text.EndsWith('.') ? text[..^1] : text;
        if (host.Length is 0 or > MaxLength)
        {
            return false;
        }

        return host[0] == '[' ? TryNormaliseAddress(ref host) : TryNormaliseName(ref host);
    }

    /// <summary>Splits <c>host:port</c>; without a port it is 0. Says nothing yet about the host.</summary>
    public static bool TrySplit(string authority, out string host, out int port)
    {
        port = 0;
        host = authority;
        var colon = authority.LastIndexOf(':');
        if (colon < 0 || authority.EndsWith(']'))
        {
            return true;
        }

        host = authority[..colon];
        return TryReadPort(authority.AsSpan(colon + 1), out port);
    }

    // Digits only: number parsing lets NUL characters follow.
    private static bool TryReadPort(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port)
        && text[0] != '0'
        && !text.ContainsAnyExceptInRange('0', '9')
        && port is > 0 and <= IPEndPoint.MaxPort;

    private static bool TryNormaliseAddress(ref string host)
    {
        host = host.ToLowerInvariant();
        var inner = host.AsSpan(1);
        return inner is [.., ']']
            && !inner[..^1].ContainsAnyExcept(Address)
            && IPAddress.TryParse(inner[..^1], out var address)
            && address.AddressFamily == AddressFamily.InterNetworkV6;
    }

    private static bool TryNormaliseName(ref string host)
    {
        if (!Ascii.IsValid(host) && !TryEncode(ref host))
        {
            return false;
        }

        host = host.ToLowerInvariant();
        return host.Length <= MaxLength && !host.AsSpan().ContainsAnyExcept(Canonical) && HasGoodLabels(host);
    }

    private static bool TryEncode(ref string host)
    {
        try
        {
            host = Idn.GetAscii(host.ToLowerInvariant());
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool HasGoodLabels(ReadOnlySpan<char> name)
    {
        foreach (var range in name.Split('.'))
        {
            var label = name[range];
            if (label.Length is 0 or > MaxLabelLength || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }
        }

        return true;
    }
}
