namespace EventAuth.Domain.Access;

/// <summary>
/// The origins a browser may be sent back to after signing in or out: ours and those the rules speak of.
/// Always https; http only if we are reached by http ourselves. The port is the scheme's own, or that of our public URL
/// (one proxy serves both), or one that an entry names.
/// </summary>
public sealed class ReturnHosts
{
    private const int AnyUsualPort = 0;

    private readonly HostIndex<int> _ports;
    private readonly bool _secureOnly;
    private readonly string _publicScheme;
    private readonly int _publicPort;

    /// <summary>Our own host and every host of a rule.</summary>
    public ReturnHosts(Uri publicUrl, AccessPolicy policy)
        : this(publicUrl, (policy ?? throw new ArgumentNullException(nameof(policy))).Rules.Select(r => r.Host))
    {
    }

    /// <summary>Our own host and those listed: <c>app.test</c>, <c>*.app.test</c>, <c>app.test:8443</c>.</summary>
    /// <exception cref="ArgumentException">An entry is none of these forms.</exception>
    public ReturnHosts(Uri publicUrl, IEnumerable<string> hosts)
    {
        ArgumentNullException.ThrowIfNull(publicUrl);
        ArgumentNullException.ThrowIfNull(hosts);
        _publicScheme = publicUrl.Scheme;
        _publicPort = publicUrl.Port;
        _secureOnly = _publicScheme == Uri.UriSchemeHttps;
        _ports = new HostIndex<int>([Entry(publicUrl.IdnHost, publicUrl.HostNameType), .. hosts.Select(Entry)]);
    }

    /// <summary>True for an origin of ours; the host in its normal spelling.</summary>
    public bool Knows(string scheme, string host, int port)
    {
        if (_secureOnly && scheme != Uri.UriSchemeHttps)
        {
            return false;
        }

        foreach (var allowed in _ports.Find(host))
        {
            if (allowed == AnyUsualPort ? IsUsualPort(scheme, port) : allowed == port)
            {
                return true;
            }
        }

        return false;
    }

    // Our public port speaks our public scheme: the other one on it is a mistake or a trick.
    private bool IsUsualPort(string scheme, int port) =>
        port == (scheme == Uri.UriSchemeHttps ? 443 : 80) || (port == _publicPort && scheme == _publicScheme);

    private static (HostPattern Pattern, int Port) Entry(string host, UriHostNameType type) =>
        Entry(type == UriHostNameType.IPv6 ? $"[{host.Trim('[', ']')}]" : host);

    private static (HostPattern Pattern, int Port) Entry(string text) =>
        HostName.TrySplit(text, out var host, out var port) && HostPattern.TryParse(host, out var pattern)
            ? (pattern, port)
            : throw new ArgumentException($"'{text}' is not a host to return to", nameof(text));
}
