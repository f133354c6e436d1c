using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace EventAuth.Services.Tests.Harness;

/// <summary>Bytes to a listener and bytes back, without a client library that would put them right.</summary>
internal static class RawSocket
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Sends and reads until the listener closes; nothing when it closes without an answer.</summary>
    /// <param name="firstOnly">Reads no further than the first answer's headers.</param>
    /// <exception cref="OperationCanceledException">It neither answered nor closed: a hang.</exception>
    public static async Task<RawAnswer> SendAsync(Uri to, byte[] bytes, bool firstOnly = false)
    {
        using var limit = new CancellationTokenSource(Limit);
        using var socket = await ConnectAsync(to, limit.Token);
        var sending = WriteAsync(socket, bytes, limit.Token);
        var text = new StringBuilder();
        var buffer = new byte[16 * 1024];
        try
        {
            for (int read; (read = await socket.ReceiveAsync(buffer, limit.Token)) > 0;)
            {
                text.Append(Encoding.Latin1.GetString(buffer, 0, read));
                if (firstOnly && text.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
                {
                    break;
                }
            }
        }
        catch (SocketException)
        {
            // It closed while we were still sending: whatever came before that is its answer.
        }

        socket.Dispose();
        await sending;
        return new RawAnswer(text.ToString());
    }

    public static Task<RawAnswer> SendAsync(Uri to, string latin1) => SendAsync(to, Encoding.Latin1.GetBytes(latin1));

    public static async Task<Socket> ConnectAsync(Uri to, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(to.Host, to.Port, ct);
        return socket;
    }

    private static async Task WriteAsync(Socket socket, byte[] bytes, CancellationToken ct)
    {
        try
        {
            for (var sent = 0; sent < bytes.Length;)
            {
                sent += await socket.SendAsync(bytes.AsMemory(sent), ct);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Nobody has to read on who has refused.
        }
    }
}

/// <summary>What came back on the wire.</summary>
internal sealed record RawAnswer(string Text)
{
    /// <summary>0 when there was none.</summary>
    public int Status => Text.Length > 12 && Text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal)
        ? int.Parse(Text.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture)
        : 0;

    public bool Allows => Status is >= 200 and < 300;

    /// <summary>How many answers stand one behind the other.</summary>
    public int Answers => Text.Split("HTTP/1.1 ").Length - 1;

    public IEnumerable<string> HeaderLines => Text.Split("\r\n\r\n")[0].Split("\r\n").Skip(1);

    /// <summary>What stands behind the headers of the first answer, without the marks of chunks.</summary>
    public string Body
    {
        get
        {
            var rest = Text.Split("\r\n\r\n", 2) is [_, var body] ? body : "";
            if (Header("Transfer-Encoding").Length == 0)
            {
                return rest;
            }

            var whole = new StringBuilder();
            while (rest.Split("\r\n", 2) is [var size, var chunks]
                && int.TryParse(size, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var length) && length > 0 && length <= chunks.Length)
            {
                whole.Append(chunks, 0, length);
                rest = chunks[Math.Min(length + 2, chunks.Length)..];
            }

            return whole.ToString();
        }
    }

    /// <summary>Every value of a header.</summary>
    public string[] Header(string name) =>
        [.. HeaderLines.Where(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).Select(l => l[(name.Length + 1)..].Trim())];
}

/// <summary>A proxy's question about a request, line by line, as it goes over the wire.</summary>
internal sealed record RawQuestion
{
    public string RequestLine { get; init; } = "GET /verify HTTP/1.1";

    public string? Method { get; init; } = "GET";

    public string? Proto { get; init; } = "http";

    public string? Host { get; init; } = World.Host;

    public string? Uri { get; init; } = "/x";

    public string? Cookie { get; init; }

    public string Accept { get; init; } = "application/json";

    /// <summary>Stands for the line that ends the connection after the answer.</summary>
    public string Connection { get; init; } = "Connection: close";

    /// <summary>Further lines, without their line breaks.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];

    public Task<RawAnswer> AskAsync(ServiceUnderTest gateway) => RawSocket.SendAsync(gateway.Public, ToString());

    public override string ToString()
    {
        IEnumerable<string?> lines =
        [
            RequestLine, "Host: gateway", Connection, $"Accept: {Accept}",
            Line("X-Forwarded-Method", Method), Line("X-Forwarded-Proto", Proto), Line("X-Forwarded-Host", Host), Line("X-Forwarded-Uri", Uri),
            Line("Cookie", Cookie), .. Lines,
        ];
        return string.Join("\r\n", lines.Where(l => l is not null)) + "\r\n\r\n";
    }

    private static string? Line(string name, string? value) => value is null ? null : $"{name}: {value}";
}
