using System.Collections.Concurrent;
using System.Net;
using EventAuth.Adapters.Settings;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>Who may tell us of other people's requests: addresses and networks of the configuration.</summary>
internal sealed class TrustedProxies(EventAuthSettings settings)
{
    private readonly IPNetwork[] _networks = settings.TrustedProxies.Select(Parse).ToArray();

    // Proxies are few, and one that was looked up stays what it is.
    private readonly ConcurrentDictionary<IPAddress, bool> _known = new();

    public bool Trusts(IPAddress? address)
    {
        if (address is null)
        {
            return false;
        }

        if (_known.ContainsKey(address))
        {
            return true;
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var trusted = Array.Exists(_networks, n => n.Contains(plain));
        return trusted && (_known.TryAdd(address, true) || trusted);
    }

    private static IPNetwork Parse(string text) => IPNetwork.TryParse(text, out var network)
        ? network
        : new IPNetwork(IPAddress.Parse(text), text.Contains(':') ? 128 : 32);
}
