using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace EventAuth.Vectors.Http;

/// <summary>A request as it goes over the wire, byte for byte: libraries correct what a case wants to be wrong.</summary>
internal sealed record WireRequest(string Method, string Target)
{
    public List<(string Name, string Value)> Headers { get; init; } = [];

    public byte[]? Body { get; init; }

    public bool Chunked { get; init; }

    public WireRequest With(string name, string? value)
    {
        if (value is not null)
        {
            Headers.Add((name, value));
        }

        return this;
    }
}

/// <summary>An answer as it came.</summary>
internal sealed record WireAnswer(int Status, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public IEnumerable<string> All(string name) =>
        Headers.Where(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value);

    public string? Header(string name) => All(name).FirstOrDefault();

    /// <summary>The value of a cookie that the answer sets.</summary>
    public string? Cookie(string name) => All("Set-Cookie")
        .Select(l => l.Split(';')[0].Split('=', 2)).FirstOrDefault(p => p[0] == name && p is [_, { Length: > 0 }])?[1];
}

/// <summary>One request over a connection of its own.</summary>
internal static class Wire
{
    private const int ChunkLength = 1000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <exception cref="IOException">There was no answer that could be read.</exception>
    public static async Task<WireAnswer> SendAsync(Uri server, WireRequest request, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Limit);
        using var client = new TcpClient();
        await client.ConnectAsync(server.Host, server.Port, limit.Token);
        await using var stream = client.GetStream();
        var sending = SendAsync(stream, Bytes(server, request), limit.Token);
        var received = await ReceiveAsync(stream, limit.Token);
        await sending;
        return Parse(received, isHead: request.Method == "HEAD");
    }

    // A server that refuses a long body stops reading it: what it said before counts.
    private static async Task SendAsync(NetworkStream stream, byte[] bytes, CancellationToken ct)
    {
        try
        {
            await stream.WriteAsync(bytes, ct);
        }
        catch (IOException)
        {
        }
    }

    private static async Task<byte[]> ReceiveAsync(NetworkStream stream, CancellationToken ct)
    {
        using var received = new MemoryStream();
        try
        {
            await stream.CopyToAsync(received, ct);
        }
        catch (IOException) when (received.Length > 0)
        {
        }

        return received.ToArray();
    }

    private static byte[] Bytes(Uri server, WireRequest request)
    {
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{request.Method} {request.Target} HTTP/1.1\r\n");
        if (!request.Headers.Any(h => h.Name.Equals("Host", StringComparison.OrdinalIgnoreCase)))
        {
            head.Append(CultureInfo.InvariantCulture, $"Host: {server.Authority}\r\n");
        }

        foreach (var (name, value) in request.Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        var body = request.Body is null ? [] : request.Chunked ? Chunks(request.Body) : request.Body;
        head.Append(request switch
        {
            { Body: null } => "",
            { Chunked: true } => "Transfer-Encoding: chunked\r\n",
            _ => string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n"),
        });
        return [.. Encoding.UTF8.GetBytes(head.Append("Connection: close\r\n\r\n").ToString()), .. body];
    }

    private static byte[] Chunks(byte[] body) =>
    [
        .. body.Chunk(ChunkLength).SelectMany(c => (byte[])
            [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{c.Length:x}\r\n")), .. c, .. "\r\n"u8]),
        .. "0\r\n\r\n"u8,
    ];

    private static WireAnswer Parse(byte[] bytes, bool isHead)
    {
        var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            throw new IOException(bytes.Length == 0 ? "the connection was closed without an answer" : "the answer has no head");
        }

        var lines = Encoding.UTF8.GetString(bytes, 0, end).Split("\r\n");
        if (lines[0].Split(' ') is not ["HTTP/1.1", var code, ..] || !int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var status))
        {
            throw new IOException("the answer is no HTTP/1.1");
        }

        var rest = bytes[(end + 4)..];
        if (status == 100)
        {
            return Parse(rest, isHead);
        }

        var headers = lines[1..].Select(l => l.Split(':', 2)).Select(p => (p[0], p[^1].Trim())).ToList();
        var chunked = headers.Any(h => h.Item1.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase));
        return new WireAnswer(status, headers, isHead || !chunked ? rest : Joined(rest));
    }

    private static byte[] Joined(ReadOnlySpan<byte> chunks)
    {
        using var body = new MemoryStream();
        while (chunks.IndexOf("\r\n"u8) is > 0 and var line
            && int.TryParse(Encoding.ASCII.GetString(chunks[..line]), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length)
            && length > 0 && chunks.Length >= line + 2 + length)
        {
            body.Write(chunks.Slice(line + 2, length));
            chunks = chunks[Math.Min(line + length + 4, chunks.Length)..];
        }

        return body.ToArray();
    }
}
