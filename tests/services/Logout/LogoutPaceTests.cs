using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using EventAuth.Services.Tests.Harness;
using Xunit.Abstractions;

namespace EventAuth.Services.Tests.Logout;

/// <summary>
/// A17: two hundred logouts in a second, each sent once, as IdPs do: some wait five seconds, and none comes again. Only beside all
/// the other tests on the same cores an honest 503 is sent again: then nothing is lost, and nothing is said about the pace.
/// </summary>
public sealed class LogoutPaceTests(LiveStore store, ITestOutputHelper output) : IClassFixture<LiveStore>
{
    private const int PerSecond = 200;
    private const int MaxTries = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly int Seconds = LongRun.Times(3, 60);

    [StoreFact]
    public async Task A17_none_of_two_hundred_logouts_a_second_is_lost()
    {
        await using var world = await LogoutWorld.StartAsync(store, replicas: 2);
        var tokens = Enumerable.Range(0, PerSecond * Seconds).Select(i => world.Idp.LogoutToken($"pace-{i}", null)).ToList();
        var latencies = new ConcurrentBag<TimeSpan>();
        var started = Stopwatch.GetTimestamp();

        await Task.WhenAll(tokens.Select(async (token, i) =>
        {
            var due = TimeSpan.FromSeconds((double)i / PerSecond) - Stopwatch.GetElapsedTime(started);
            await Task.Delay(due > TimeSpan.Zero ? due : TimeSpan.Zero);
            var sent = Stopwatch.GetTimestamp();
            Assert.Equal(HttpStatusCode.OK, await SendAsync(world, token, i % 2));
            latencies.Add(Stopwatch.GetElapsedTime(sent));
        }));

        var sorted = latencies.Order().ToList();
        var p99 = sorted[(int)(sorted.Count * 0.99) - 1];
        output.WriteLine($"{tokens.Count} logouts in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s, "
            + $"p50 {sorted[sorted.Count / 2].TotalMilliseconds:F0} ms, p99 {p99.TotalMilliseconds:F0} ms, max {sorted[^1].TotalMilliseconds:F0} ms");
        Assert.Equal(tokens.Count, await store.CountAsync("select count(*) from {events}.mt_events where type = 'subject_revoked'"));
        Assert.True(!LongRun.Wanted || p99 < TimeSpan.FromSeconds(1), $"p99 is {p99}");
    }

    private static async Task<HttpStatusCode> SendAsync(LogoutWorld world, string token, int replica)
    {
        var status = await world.SendAsync(token, replica);
        for (var tries = 1; !LongRun.Wanted && status == HttpStatusCode.ServiceUnavailable && tries < MaxTries; tries++)
        {
            await Task.Delay(Pause);
            status = await world.SendAsync(token, replica);
        }

        return status;
    }
}
