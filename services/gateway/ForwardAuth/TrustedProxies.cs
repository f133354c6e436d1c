using System.Collections.Concurrent;
using System.Net;
using EventAuth.Adapters.Settings;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>Who may tell us of other people's requests: addresses and networks of the configuration.</summary>
internal sealed class TrustedProxies(EventAuthSettings settings)
{
    private readonly IPNetwork[] _networks = settings.TrustedProxies.Select(Parse).ToArray();

    // Proxies are few, and one that was looked up stays what it is; beyond this many each is looked up again.
    private const int Remembered = 1000;
    private readonly ConcurrentDictionary<IPAddress, bool> _trusted = new();

    public bool Trusts(IPAddress? address)
    {
        if (address is null)
        {
            return false;
        }

        if (_trusted.ContainsKey(address))
        {
            return true;
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (!Array.Exists(_networks, n => n.Contains(plain)))
        {
            return false;
        }

        if (_trusted.Count < Remembered)
        {
            _trusted[address] = true;
        }

        return true;
    }

    private static IPNetwork Parse(string text) => IPNetwork.TryParse(text, out var network)
        ? network
        : new IPNetwork(IPAddress.Parse(text), text.Contains(':') ? 128 : 32);
}
