using System.Collections.Concurrent;
using System.Diagnostics;
using EventAuth.Guarantee;
using EventAuth.Guarantee.Links;
using EventAuth.Guarantee.Processes;
using EventAuth.Services.Tests.Harness;
using Npgsql;
using Xunit.Abstractions;

namespace EventAuth.Services.Tests.Faults;

/// <summary>One of several gateways stands still, starts late, is restarted, or waits for a store that says nothing.</summary>
public sealed class ReplicaTests(ReplicaTests.Setup setup, ITestOutputHelper output) : IClassFixture<ReplicaTests.Setup>
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    public sealed class Setup : ProcessWorldFixture
    {
        internal override Task<ProcessWorld> StartAsync() => ProcessWorld.StartAsync("replicas", gateways: 2, new Dictionary<string, string>
        {
            ["revocation.bound"] = "2s",
            ["revocation.pollInterval"] = "200ms",
            ["listen.drain"] = "2s",
        });
    }

    // F36: a virtual machine is paused. What it knew when it fell asleep is old when it wakes, and the first thing it does is answer.
    [StoreFact]
    public async Task A_gateway_that_stood_still_lets_nobody_in_who_was_signed_out_meanwhile()
    {
        var sessions = await IssueAsync("frozen", 6);
        var (frozen, bystander) = (setup.World.Gateways[1], sessions[5]);
        Assert.All(await AskAllAsync(sessions, frozen), status => Assert.Equal(200, status));

        frozen.Freeze();
        var inFlight = sessions.Take(5).Select(s => s.AskAsync(frozen.Public)).ToList();
        var since = Stopwatch.GetTimestamp();
        await Task.WhenAll(sessions.Take(5).Select(LogOutAsync));
        await Until.TrueAsync("it has stood still for longer than the bound", () =>
            Stopwatch.GetElapsedTime(since) > Bound + TimeSpan.FromSeconds(LongRun.Times(2, 8)));
        inFlight.AddRange(sessions.Take(5).Select(s => s.AskAsync(frozen.Public)));
        frozen.Thaw();

        Assert.All(await Task.WhenAll(inFlight), status => Assert.Contains(status, new[] { 401, 503 }));
        Assert.All(await AskAllAsync(sessions.Take(5), frozen), status => Assert.Equal(401, status));
        await Until.TrueAsync("the bystander passes", async () => await bystander.AskAsync(frozen.Public) == 200);
    }

    // F35: between the first read of the feed and the first hint a revocation could get lost.
    [StoreFact]
    public async Task A_gateway_that_starts_while_many_are_signed_out_misses_none_of_them()
    {
        var sessions = await IssueAsync("cold", LongRun.Times(600, 4000));
        var acknowledged = new ConcurrentDictionary<string, long>();
        var newcomer = setup.World.AddGateway();
        var started = Stopwatch.GetTimestamp();
        var serves = new TaskCompletionSource();
        var revoking = Parallel.ForAsync(0, sessions.Count, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, _) =>
        {
            // The last ones in any case when it lets people in already, however fast this machine is.
            await (i < sessions.Count * 2 / 3 ? Task.CompletedTask : serves.Task.WaitAsync(TimeSpan.FromSeconds(60), CancellationToken.None));
            await LogOutAsync(sessions[i]);
            acknowledged[sessions[i].Sid] = Stopwatch.GetTimestamp();
        });
        var chance = new Dice(35);
        var (latest, asked, allowed) = (TimeSpan.MinValue, 0, 0);
        while (!revoking.IsCompleted)
        {
            var session = sessions[chance.Below(sessions.Count)];
            var at = Stopwatch.GetTimestamp();
            var status = await session.AskAsync(newcomer.Public);
            (asked, allowed) = (asked + (status == 0 ? 0 : 1), allowed + (status == 200 ? 1 : 0));
            if (status == 200)
            {
                serves.TrySetResult();
            }

            if (status == 200 && acknowledged.TryGetValue(session.Sid, out var ack) && Stopwatch.GetElapsedTime(ack, at) > latest)
            {
                latest = Stopwatch.GetElapsedTime(ack, at);
            }
        }

        await revoking;
        output.WriteLine($"{sessions.Count} sign-outs, {sessions.Count / Stopwatch.GetElapsedTime(started).TotalSeconds:F0}/s; {asked} questions, {allowed} let in; last let in after the acknowledgement: {(latest > TimeSpan.MinValue ? latest : "never")}");
        Assert.True(allowed > 0, "nobody was let in, so nobody could be let in wrongly");
        Assert.True(latest <= Bound, $"let in {latest} after the logout was acknowledged");
        await Until.TrueAsync("all are out", async () => (await AskAllAsync(sessions, newcomer)).All(status => status == 401), Bound);
    }

    // F37: a new version is rolled out. A load balancer looks at /readyz ten times a second, and that is all it does: it never asks twice.
    [StoreFact]
    public async Task Restarting_one_gateway_after_the_other_fails_no_request_and_keeps_the_sessions()
    {
        var session = (await IssueAsync("rolling", 1))[0];
        var gateways = setup.World.Gateways.Take(2).ToList();
        using var done = new CancellationTokenSource();
        var balancer = new Balancer(gateways);
        var looking = balancer.LookAsync(done.Token);
        var users = Enumerable.Range(0, 4).Select(_ => balancer.UseAsync(session, done.Token)).ToList();

        foreach (var gateway in gateways)
        {
            await gateway.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
            gateway.StartAgain();
            await ProcessWorld.ReadyAsync(gateway);
            await Until.TrueAsync("the load balancer has seen it", () => balancer.Sees(gateway));
        }

        await done.CancelAsync();
        await looking;
        var answers = (await Task.WhenAll(users)).SelectMany(a => a).ToList();
        output.WriteLine($"{answers.Count} requests");
        Assert.True(answers.Count > 100, "too few requests to say anything");
        Assert.All(answers, status => Assert.Equal(200, status));
    }

    // F14: two hundred requests wait for a store that says nothing; whoever asks whether the process lives must not wait with them.
    [StoreFact]
    public async Task A_gateway_full_of_waiting_requests_still_says_that_it_lives()
    {
        var server = new NpgsqlConnectionStringBuilder(setup.World.Store.ConnectionString);
        await using var link = new TcpProxy(server.Host!, server.Port);
        (server.Host, server.Port) = ("127.0.0.1", link.Port);
        var gateway = setup.World.AddGateway(settings: new Dictionary<string, string> { ["postgres.connectionString"] = server.ConnectionString });
        await ProcessWorld.ReadyAsync(gateway);
        var sessions = await IssueAsync("starving", 200);
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        await http.GetStringAsync(new Uri(gateway.Operations, "/healthz"));

        link.Link = Link.Blackhole;
        var waiting = sessions.Select(s => s.AskAsync(gateway.Public)).ToList();
        var (alive, slowest) = (0, TimeSpan.Zero);
        while (waiting.Any(w => !w.IsCompleted))
        {
            var at = Stopwatch.GetTimestamp();
            Assert.Equal("alive\n", await http.GetStringAsync(new Uri(gateway.Operations, "/healthz")));
            (alive, slowest) = (alive + 1, Stopwatch.GetElapsedTime(at) > slowest ? Stopwatch.GetElapsedTime(at) : slowest);
        }

        output.WriteLine($"{alive} times alive, slowest {slowest.TotalMilliseconds:F0} ms");
        Assert.All(await Task.WhenAll(waiting), status => Assert.Equal(503, status));
        Assert.True(alive > 10 && slowest < TimeSpan.FromSeconds(1), $"{alive} answers while requests waited, the slowest after {slowest}");
    }

    private Task<IReadOnlyList<IssuedSession>> IssueAsync(string name, int count) =>
        IssuedSession.ManyAsync(setup.World.Store, setup.World.Idp.Issuer, name, count);

    // An IdP that hears 503 comes again with the same token.
    private Task LogOutAsync(IssuedSession session)
    {
        var token = setup.World.Idp.LogoutToken(null, session.Sid);
        return Until.TrueAsync("the logout is taken", async () => await setup.World.SendAsync(token) == 200);
    }

    private static async Task<int[]> AskAllAsync(IEnumerable<IssuedSession> sessions, ServiceProcess gateway) =>
        await Task.WhenAll(sessions.Select(s => s.AskAsync(gateway.Public)));

    private sealed class Balancer(IReadOnlyList<ServiceProcess> gateways)
    {
        private readonly bool[] _ready = [.. gateways.Select(_ => true)];
        private int _next;

        public bool Sees(ServiceProcess gateway) => Volatile.Read(ref _ready[gateways.ToList().IndexOf(gateway)]);

        public async Task LookAsync(CancellationToken done)
        {
            while (!done.IsCancellationRequested)
            {
                for (var i = 0; i < gateways.Count; i++)
                {
                    Volatile.Write(ref _ready[i], await gateways[i].IsReadyAsync(CancellationToken.None));
                }

                await Task.Delay(100, CancellationToken.None);
            }
        }

        public async Task<List<int>> UseAsync(IssuedSession session, CancellationToken done)
        {
            var answers = new List<int>();
            while (!done.IsCancellationRequested)
            {
                var first = Interlocked.Increment(ref _next) % gateways.Count;
                first = Volatile.Read(ref _ready[first]) ? first : (first + 1) % gateways.Count;
                answers.Add(await session.AskAsync(gateways[first].Public, CancellationToken.None));
                await Task.Delay(2, CancellationToken.None);
            }

            return answers;
        }
    }
}
