using System.Net;
using System.Net.Sockets;

namespace EventAuth.Services.Tests.Harness;

/// <summary>Ports for processes that must come back on the same one: below those that the kernel gives out by itself.</summary>
internal static class Ports
{
    private const int Lowest = 15_000;
    private const int Count = 15_000;

    // Two runs of the tests at once begin at different places.
    private static int _last = Environment.ProcessId * 61;

    /// <summary>A port on which nobody listens, given out once.</summary>
    public static int Free()
    {
        while (true)
        {
            var port = Lowest + (int)((uint)Interlocked.Increment(ref _last) % Count);
            try
            {
                using var probe = new TcpListener(IPAddress.Any, port);
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken by somebody else.
            }
        }
    }
}
