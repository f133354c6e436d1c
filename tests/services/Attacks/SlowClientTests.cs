using System.Net.Sockets;
using System.Text;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>Slow loris: many connections that never finish their request must not keep others from being answered, nor stay for ever.</summary>
public sealed class SlowClientTests(SignedInFixture setup) : IClassFixture<SignedInFixture>
{
    private const int Connections = 40;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [StoreFact]
    public async Task TD6_on_every_listener_an_unfinished_request_is_closed_and_others_are_answered_meanwhile()
    {
        Uri[] listeners = [.. setup.World.Gateways.Append(setup.World.Logout).Append(setup.World.Revalidator!).SelectMany(s => new[] { s.Public, s.Operations })];
        var slow = new List<Socket>();
        foreach (var listener in listeners)
        {
            for (var i = 0; i < Connections; i++)
            {
                var socket = await RawSocket.ConnectAsync(listener, CancellationToken.None);
                slow.Add(socket);
                await socket.SendAsync(Encoding.ASCII.GetBytes("GET /verify HTTP/1.1\r\nHost: x\r\nX-Slow: a"));
            }

            // A form that was promised and does not come.
            var body = await RawSocket.ConnectAsync(listener, CancellationToken.None);
            slow.Add(body);
            await body.SendAsync(Encoding.ASCII.GetBytes(
                "POST /backchannel-logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nlogout_token=a"));
        }

        SignedInFixture.AssertBobAndNobodyElse(await setup.Bob.AskAsync(setup.Gateway));
        await Until.TrueAsync("every listener has closed what was not finished", async () =>
        {
            SignedInFixture.AssertBobAndNobodyElse(await setup.Bob.AskAsync(setup.Gateway));
            slow.RemoveAll(Drip);
            return slow.Count == 0;
        }, Patience);
    }

    // One more byte each time, as the attack does: a limit that begins anew with every byte is none.
    private static bool Drip(Socket socket)
    {
        try
        {
            socket.Send("a"u8);
            var over = socket.Poll(0, SelectMode.SelectRead) && socket.Receive(new byte[4096]) == 0;
            if (over)
            {
                socket.Dispose();
            }

            return over;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return true;
        }
    }
}
