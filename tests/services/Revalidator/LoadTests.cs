using System.Diagnostics;
using System.Globalization;
using EventAuth.Guarantee.Processes;
using EventAuth.Services.Tests.Harness;
using Xunit.Abstractions;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>
/// A crowd on real workers: a small one always, ten thousand with <c>EVENTAUTH_LONG=1</c>. Prints what it cost; with
/// <c>EVENTAUTH_PLOT</c> (a folder) it draws what the IdP saw per second.
/// </summary>
public sealed class LoadTests(ITestOutputHelper output)
{
    private static readonly int Crowd = LongRun.Times(300, 10_000);
    private static readonly int Interval = LongRun.Times(6, 60);
    private static readonly int Rate = LongRun.Times(100, 300);

    [StoreTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Everybody_is_verified_within_the_interval_and_nobody_twice(int workers)
    {
        await using var world = await CrowdWorld.StartAsync("load", null, null, ("revalidation.interval", $"{Interval}s"),
            ("revalidation.rate", $"{Rate}"), ("revalidation.concurrency", "16"), ("log.level", "warning"));
        await world.IssueAsync("crowd", Crowd, TimeSpan.FromSeconds(Interval));
        var processes = await Task.WhenAll(Enumerable.Range(1, workers).Select(i => world.StartProcessAsync($"worker-{i}")));

        // What waited while the crowd was made is worked off in the first interval; the next two count.
        await CheckedAsync(world, 1);
        world.Idp.Log.Clear();
        var (since, cpu) = (Stopwatch.GetTimestamp(), processes.Select(Cpu).ToList());
        await CheckedAsync(world, 3);
        var elapsed = Stopwatch.GetElapsedTime(since).TotalSeconds;
        var calls = world.TokenCalls();
        var used = processes.Select((p, i) => (Cpu(p) - cpu[i]).TotalSeconds / elapsed).ToList();
        var gaps = (await world.Store.QueryAsync("""
            select coalesce(min(gap), 0), coalesce(max(gap), 0), count(*) from (select extract(epoch from timestamp - lag(timestamp)
              over (partition by stream_id order by version)) as gap from eventauth_events.mt_events where type = 'session_refreshed') g where gap is not null
            """))[0].Select(v => double.Parse(v, CultureInfo.InvariantCulture)).ToList();

        Tell($"sessions {Crowd}, workers {workers}, interval {Interval} s, rate {Rate}/s: verified {calls.Count / elapsed:0.0} per second");
        Tell($"the IdP saw per second: max {Busiest(calls)}, mean {calls.Count / elapsed:0.0}; {gaps[2]:0} gaps between two checks of a session: {gaps[0]:0.0} to {gaps[1]:0.0} s");
        Tell($"CPU per worker: {string.Join(", ", used.Select(u => u.ToString("0.00", CultureInfo.InvariantCulture)))} cores; memory: {string.Join(", ", processes.Select(Memory))} MB");
        if (Environment.GetEnvironmentVariable("EVENTAUTH_PLOT") is { Length: > 0 } folder)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, $"revalidation-{workers}.svg"), RatePlot.Svg(calls, Rate, $"{Crowd} sessions, {workers} worker(s)"));
        }

        Assert.InRange(gaps[0], Interval * 0.85, gaps[1]);
        Assert.InRange(gaps[1], gaps[0], (Interval * 1.1) + Math.Max(3, Interval * 0.1));
        Assert.Equal(0, await world.CountAsync("ended_at is not null or verified_at < now() - $1", TimeSpan.FromSeconds((Interval * 1.1) + Math.Max(3, Interval * 0.1))));
    }

    private static Task CheckedAsync(CrowdWorld world, int times) => Until.TrueAsync($"everybody was checked {times} times",
        async () => await world.CountAsync("token_version <= $1", times) == 0, TimeSpan.FromSeconds(Interval * (times + 2)));

    private void Tell(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private static int Busiest(IReadOnlyList<double> calls) => calls.GroupBy(c => (int)c).Max(g => g.Count());

    private static TimeSpan Cpu(ServiceProcess service)
    {
        using var process = Process.GetProcessById(service.Pid);
        return process.TotalProcessorTime;
    }

    private static long Memory(ServiceProcess service)
    {
        using var process = Process.GetProcessById(service.Pid);
        return process.WorkingSet64 / (1024 * 1024);
    }
}
