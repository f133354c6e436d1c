using System.Diagnostics;
using System.Net;

namespace EventAuth.Services.Tests.Harness;

/// <summary>
/// A network namespace with two wires to this machine: one to the servers, which a test can pull, and one to the clients, which
/// stays. Needs root and iproute2.
/// </summary>
internal sealed class PrivateNetwork : IAsyncDisposable
{
    private static readonly Lazy<string?> Reason = new(FindReason);
    private readonly string _name = $"ea{Environment.ProcessId}";

    private PrivateNetwork() { }

    /// <summary>Why there can be none; null when there can.</summary>
    public static string? Missing => Reason.Value;

    /// <summary>This machine's end of the wire to the servers.</summary>
    public IPAddress ServersHere { get; } = Address(1);

    /// <summary>This machine's end of the wire to the clients: whoever asks comes from there.</summary>
    public IPAddress ClientsHere { get; } = Address(5);

    /// <summary>The other end of the clients' wire, where a service in the network listens.</summary>
    public IPAddress ClientsThere { get; } = Address(6);

    /// <summary>Words before a command that is to run in the network.</summary>
    public IReadOnlyList<string> Wrapper => ["ip", "netns", "exec", _name];

    public static async Task<PrivateNetwork> CreateAsync()
    {
        var network = new PrivateNetwork();
        await IpAsync("netns", "add", network._name);
        await IpAsync("-n", network._name, "link", "set", "lo", "up");
        await network.WireAsync("s", network.ServersHere, Address(2));
        await network.WireAsync("c", network.ClientsHere, network.ClientsThere);
        return network;
    }

    /// <summary>Pulls the wire to the servers or puts it back: packets are lost, nobody is told.</summary>
    public Task ConnectServersAsync(bool connected) => IpAsync("link", "set", $"{_name}s0", connected ? "up" : "down");

    // The wires end in it and go with it.
    public async ValueTask DisposeAsync() => await IpAsync("netns", "delete", _name);

    private async Task WireAsync(string kind, IPAddress here, IPAddress there)
    {
        var (near, far) = ($"{_name}{kind}0", $"{_name}{kind}1");
        await IpAsync("link", "add", near, "type", "veth", "peer", "name", far, "netns", _name);
        await IpAsync("addr", "add", $"{here}/30", "dev", near);
        await IpAsync("-n", _name, "addr", "add", $"{there}/30", "dev", far);
        await IpAsync("link", "set", near, "up");
        await IpAsync("-n", _name, "link", "set", far, "up");
    }

    // Of the range for measurements between networks (RFC 2544), another part of it in each run.
    private static IPAddress Address(int last) => IPAddress.Parse(
        $"198.{18 + (Environment.ProcessId / 8192 % 2)}.{Environment.ProcessId / 32 % 256}.{(Environment.ProcessId % 32 * 8) + last}");

    private static string? FindReason()
    {
        if (Environment.UserName != "root" || !File.Exists("/usr/sbin/ip") && !File.Exists("/sbin/ip"))
        {
            return "network namespaces need root and iproute2";
        }

        var probe = $"eaprobe{Environment.ProcessId}";
        return Run("netns", "add", probe) && Run("netns", "delete", probe) ? null : "this machine gives out no network namespaces";
    }

    private static async Task IpAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"ip {string.Join(' ', arguments)}: {error}");
    }

    private static bool Run(params string[] arguments)
    {
        using var process = Start(arguments);
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static Process Start(string[] arguments) =>
        Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
}

/// <summary>A test in a network of its own: skipped where this user may make none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OwnNetworkFactAttribute : FactAttribute
{
    public OwnNetworkFactAttribute() => Skip = TestBroker.Skip ?? PrivateNetwork.Missing;
}
