using System.Net;
using System.Net.Sockets;

namespace EventAuth.Guarantee.Links;

/// <summary>What the link does.</summary>
public enum Link
{
    Forwards = 0,

    /// <summary>Takes bytes of both sides and passes none on: nobody notices by an error.</summary>
    Blackhole,

    /// <summary>Requests arrive, answers are lost.</summary>
    LosesAnswers,

    /// <summary>Resets what is open and refuses what is new.</summary>
    Cut,

    /// <summary>The server is gone without the client being told: open connections stay open towards the client, new ones are
    /// accepted, nothing is behind them.</summary>
    HalfOpen,
}

/// <summary>A link between a service and a server that a test can break, slow down or lead elsewhere.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<TcpClient> _clients = [];
    private readonly List<TcpClient> _servers = [];
    private volatile EndPoint _target;
    private volatile Link _link;
    private long _delayMilliseconds;

    /// <param name="listenOn">Loopback when null; another address for a client in a network of its own.</param>
    public TcpProxy(string host, int port, IPAddress? listenOn = null)
    {
        _target = Target(host, port);
        _listener = new TcpListener(listenOn ?? IPAddress.Loopback, 0);
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public Link Link
    {
        get => _link;
        set
        {
            _link = value;
            if (value == Link.Cut)
            {
                Reset(_clients);
                Reset(_servers);
            }
            else if (value == Link.HalfOpen)
            {
                Reset(_servers);
            }
        }
    }

    /// <summary>Every piece of an answer comes so much later.</summary>
    public TimeSpan Delay
    {
        get => TimeSpan.FromMilliseconds(Volatile.Read(ref _delayMilliseconds));
        set => Volatile.Write(ref _delayMilliseconds, (long)value.TotalMilliseconds);
    }

    /// <summary>New connections go there; open ones are reset.</summary>
    public void LeadTo(string host, int port)
    {
        _target = Target(host, port);
        Reset(_clients);
        Reset(_servers);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Reset(_clients);
        Reset(_servers);
        _stop.Dispose();
    }

    private static EndPoint Target(string host, int port) =>
        IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port);

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        var server = new TcpClient { NoDelay = true };
        client.NoDelay = true;
        Keep(client, server);
        try
        {
            if (_link == Link.Cut)
            {
                client.LingerState = new LingerOption(true, 0);
                return;
            }

            if (_link is Link.Forwards or Link.LosesAnswers)
            {
                await ConnectAsync(server);
                await Task.WhenAny(PumpAsync(client, server, answers: false), PumpAsync(server, client, answers: true));
            }

            if (_link is Link.HalfOpen or Link.Blackhole)
            {
                // Somebody must go on reading, or the client would notice by a full window.
                await DrainAsync(client);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // A broken link is what this is for.
        }
        finally
        {
            client.Dispose();
            server.Dispose();
            Forget(client, server);
        }
    }

    private ValueTask ConnectAsync(TcpClient server) => server.Client.ConnectAsync(_target, _stop.Token);

    private async Task PumpAsync(TcpClient from, TcpClient to, bool answers)
    {
        var buffer = new byte[16 * 1024];
        int count;
        while ((count = await from.GetStream().ReadAsync(buffer, _stop.Token)) > 0)
        {
            if (answers && Delay > TimeSpan.Zero)
            {
                await Task.Delay(Delay, _stop.Token);
            }

            if (_link == Link.Forwards || (_link == Link.LosesAnswers && !answers))
            {
                await to.GetStream().WriteAsync(buffer.AsMemory(0, count), _stop.Token);
            }
        }
    }

    private async Task DrainAsync(TcpClient client)
    {
        var buffer = new byte[16 * 1024];
        while (_link is Link.HalfOpen or Link.Blackhole && await client.GetStream().ReadAsync(buffer, _stop.Token) > 0)
        {
            // Nobody hears it.
        }
    }

    private void Keep(TcpClient client, TcpClient server)
    {
        lock (_clients)
        {
            _clients.Add(client);
            _servers.Add(server);
        }
    }

    private void Forget(TcpClient client, TcpClient server)
    {
        lock (_clients)
        {
            _clients.Remove(client);
            _servers.Remove(server);
        }
    }

    private void Reset(List<TcpClient> open)
    {
        lock (_clients)
        {
            foreach (var connection in open.ToList())
            {
                try
                {
                    connection.LingerState = new LingerOption(true, 0);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException or NullReferenceException)
                {
                    // Closed already.
                }

                connection.Dispose();
            }
        }
    }
}
