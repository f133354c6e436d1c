using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace EventAuth.StubIdp;

/// <summary>The endpoints of the stub.</summary>
public enum StubEndpoint
{
    None = 0,
    Discovery,
    Keys,
    Authorize,
    Token,
    UserInfo,
    Revoke,
    EndSession,
    Introspect,
}

/// <summary>What an endpoint says instead of the truth.</summary>
public sealed record StubAnswer(int Status, byte[] Body, string? ContentType = "application/json")
{
    /// <summary>How long it takes; <see cref="Timeout.InfiniteTimeSpan"/> hangs.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Announces more than it sends, and closes.</summary>
    public bool Truncated { get; init; }

    /// <summary>The truth after all, only later.</summary>
    public bool ThenTheTruth { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public static StubAnswer Text(int status, string body, string contentType = "application/json") =>
        new(status, Encoding.UTF8.GetBytes(body), contentType);

    public static StubAnswer Json(int status, object body) => new(status, JsonSerializer.SerializeToUtf8Bytes(body));

    public static StubAnswer Error(string code, int status = 400) => Json(status, new { error = code });

    public static StubAnswer Empty(int status) => new(status, [], null);

    public static StubAnswer Hang() => Empty(200) with { Delay = Timeout.InfiniteTimeSpan };

    public static StubAnswer Slow(TimeSpan delay) => Empty(200) with { Delay = delay, ThenTheTruth = true };

    public static StubAnswer Redirect(string location) =>
        Empty(301) with { Headers = new Dictionary<string, string> { ["Location"] = location } };

    /// <summary>A small body that becomes a large one.</summary>
    public static StubAnswer Bomb(int length)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write(Encoding.ASCII.GetBytes("{\"a\":\""));
            gzip.Write(new byte[length].AsSpan());
        }

        return new StubAnswer(200, packed.ToArray())
        {
            Headers = new Dictionary<string, string> { ["Content-Encoding"] = "gzip" },
        };
    }
}
