using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EventAuth.Guarantee.Links;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Npgsql;

namespace EventAuth.Services.Tests.Logout;

/// <summary>What somebody without a key can send: slow, much, and malformed below the level of HTTP.</summary>
public sealed class WebhookAttackTests(LiveStore store) : IClassFixture<LiveStore>
{
    // Slow-loris on bodies: two hundred connections that send next to nothing. The server's own limit on the rate closes
    // them after a few seconds; until then a real logout must not notice them.
    [StoreFact]
    public async Task H26_slow_bodies_are_cut_off_and_hold_up_no_logout()
    {
        await using var world = await LogoutWorld.StartAsync(store);
        var slow = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => OpenAsync(world,
            "POST /backchannel-logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nl")));
        try
        {
            var session = await store.IssueAsync(world.Person("slow"), "sid-slow");
            Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("slow", "sid-slow")));
            Assert.True(await store.IsOverAsync(session));

            foreach (var connection in slow)
            {
                var answer = await ReadToEndAsync(connection);
                Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
                Assert.Contains("no-store", answer, StringComparison.Ordinal);
            }
        }
        finally
        {
            Array.ForEach(slow, c => c.Dispose());
        }
    }

    // CVE-2025-55315: a chunk extension that ends in a bare line feed is read in two ways by two servers, and the second
    // request hides in the body of the first.
    [StoreTheory]
    [InlineData("2;\n00\r\nlo\r\n0\r\n\r\n")]
    [InlineData("2;a\nb\r\nlo\r\n0\r\n\r\n")]
    public async Task A_chunk_extension_with_a_bare_line_feed_is_refused(string chunks)
    {
        await using var world = await LogoutWorld.StartAsync(store);
        using var connection = await OpenAsync(world,
            "POST /backchannel-logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
        Assert.StartsWith("HTTP/1.1 400 ", await ReadToEndAsync(connection), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task A_body_with_both_a_length_and_chunks_ends_the_connection()
    {
        await using var world = await LogoutWorld.StartAsync(store);
        var token = world.Idp.LogoutToken("smuggled", null);
        using var connection = await OpenAsync(world,
            "POST /backchannel-logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "0\r\n\r\nPOST /backchannel-logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            + $"Content-Length: {token.Length + 13}\r\n\r\nlogout_token={token}");
        Assert.StartsWith("HTTP/1.1 400 ", await ReadToEndAsync(connection), StringComparison.Ordinal);
        Assert.Empty(await store.RevocationsOfAsync(world.Person("smuggled")));
    }

    // Refusing must need neither the store nor the IdP again: the link to the store is cut, so a single write or look would
    // show as 503 instead of 400; and made-up key ids cost one fetch in thirty seconds, not one each.
    [StoreFact]
    public async Task H28_a_flood_of_refused_tokens_touches_neither_the_store_nor_the_IdP()
    {
        var server = new NpgsqlConnectionStringBuilder(store.Settings.ConnectionString);
        await using var link = new TcpProxy(server.Host!, server.Port);
        (server.Host, server.Port) = ("127.0.0.1", link.Port);
        await using var world = await LogoutWorld.StartAsync(store,
            settings: ("postgres.connectionString", server.ConnectionString));
        Assert.Equal(HttpStatusCode.OK, await world.SendAsync(world.Idp.LogoutToken("before-the-flood", null)));
        var bad = BadTokens(world.Idp);
        link.Link = Link.Cut;
        var rows = await store.RowsAsync();

        var started = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(0, 2_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            Assert.Equal(HttpStatusCode.BadRequest, await world.SendAsync(bad[i % bad.Count])));

        var windows = (int)(Stopwatch.GetElapsedTime(started) / TimeSpan.FromSeconds(30)) + 1;
        Assert.InRange(world.Idp.Log.Count(StubEndpoint.Keys), 2, 1 + windows);
        Assert.Equal(500, await world.CountedAsync("eventauth_logout_tokens_total", "refused_nonce"));
        Assert.Equal(500, await world.CountedAsync("eventauth_logout_tokens_total", "refused_key-unknown"));
        Assert.Equal(500, await world.CountedAsync("eventauth_logout_tokens_total", "refused_signature"));
        Assert.Equal(500, await world.CountedAsync("eventauth_logout_tokens_total", "refused_form"));
        Assert.Equal(rows, await store.RowsAsync());
    }

    private static List<string> BadTokens(StubProvider idp)
    {
        using var stranger = new StubKeys();
        stranger.Rotate(keepOld: true);
        var unknown = "";
        idp.LogoutToken("mallory", null, c => unknown = stranger.Sign(c.DeepClone().AsObject(), "logout+jwt"));
        var good = idp.LogoutToken("mallory", null);
        var flipped = good[..^10] + (good[^10] == 'A' ? 'B' : 'A') + good[^9..];
        return [idp.LogoutToken("mallory", null, c => c["nonce"] = "n"), unknown, flipped, "a.b"];
    }

    private static async Task<TcpClient> OpenAsync(LogoutWorld world, string request)
    {
        var connection = new TcpClient();
        await connection.ConnectAsync(world.Webhooks[0].Host, world.Webhooks[0].Port);
        await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        return connection;
    }

    // Until the server closes.
    private static async Task<string> ReadToEndAsync(TcpClient connection)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var all = new MemoryStream();
        await connection.GetStream().CopyToAsync(all, limit.Token);
        return Encoding.ASCII.GetString(all.ToArray());
    }
}
