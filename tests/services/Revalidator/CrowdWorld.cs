using System.Diagnostics;
using System.Text.Json;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Guarantee.Processes;
using EventAuth.Revalidator;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.AspNetCore.Builder;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>Many sessions with tokens of a real refresh grant, and workers that check them, in this process or on their own.</summary>
internal sealed class CrowdWorld : IAsyncDisposable
{
    /// <summary>Crowds take their time on a busy machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly HttpClient Http = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("eventauth-crowd-").FullName;
    private readonly List<IAsyncDisposable> _started = [];
    private readonly Dictionary<string, string> _settings;
    private readonly TimeProvider _clock;
    private readonly Database _database;

    private CrowdWorld(TestStore store, StubProvider idp, TimeProvider clock, (string Path, string Value)[] settings)
    {
        (Store, Idp, _clock) = (store, idp, clock);
        _settings = World.DefaultSettings(store.ConnectionString, idp);
        _settings["revalidation.idleInterval"] = "0s";
        foreach (var (path, value) in settings)
        {
            _settings[path] = value;
        }

        _database = new Database(new PostgresSettings(store.ConnectionString, "eventauth_events", "eventauth"));
    }

    public TestStore Store { get; }

    public StubProvider Idp { get; }

    public static async Task<CrowdWorld> StartAsync(
        string purpose, TimeProvider? clock = null, TimeSpan? accessLifetime = null, params (string Path, string Value)[] settings)
    {
        var time = clock ?? TimeProvider.System;
        var idp = await StubProvider.StartAsync(new StubOptions { Clock = time, AccessLifetime = accessLifetime ?? TimeSpan.FromHours(1) });
        var world = new CrowdWorld(await TestStore.CreateAsync(purpose), idp, time, settings);
        await new Schema(world._database).ApplyAsync(default);
        return world;
    }

    /// <summary>One session each for so many people, signed in now, whose checks are due one after the other within a time.</summary>
    public async Task IssueAsync(string name, int count, TimeSpan dueWithin, StubProvider? at = null)
    {
        var idp = at ?? Idp;
        var sessions = new SessionService(new EventStore(_database));
        var vault = new TokenVault(SettingsRules.Read(_settings).TokenKeys);
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, ct) =>
        {
            var (id, now) = (new SessionId(Guid.CreateVersion7()), _clock.GetUtcNow());
            var grant = new StubGrant { Sub = $"{name}-{i}", Sid = $"sid-{name}-{i}" };
            var secret = new SessionTokens(
                idp.Grants.NewAccessToken(grant, idp.Options.AccessLifetime), idp.Grants.NewRefreshToken(grant), null).Seal(vault, id);
            await sessions.ExecuteAsync(id, new SessionCommand.Issue(
                new Subject(idp.Issuer, grant.Sub), grant.Sid, "eventauth", ["staff"], [], 0, now, TimeSpan.FromHours(24),
                now + idp.Options.AccessLifetime, Refreshable: true),
                new WriteContext { Tokens = new SealedTokens(secret.KeyId, secret.Bytes, now), NextCheckAt = now + (dueWithin * i / count) }, ct);
        });
    }

    /// <summary>A worker in this process, on this world's clock; the address where its state can be asked for.</summary>
    public async Task<Uri> StartWorkerAsync(string name, params (string Path, string Value)[] own)
    {
        var app = RevalidatorService.Build(SettingsRules.Read(Settings(name, own)), _clock);
        _started.Add(new Stopping(app));
        await app.StartAsync();
        return new Uri(app.Urls.Last());
    }

    /// <summary>A worker as a process of its own.</summary>
    public async Task<ServiceProcess> StartProcessAsync(string name)
    {
        var settings = Settings(name, []);
        settings["listen.public"] = $"http://127.0.0.1:{Ports.Free()}";
        settings["listen.operations"] = $"http://127.0.0.1:{Ports.Free()}";
        var process = ServiceProcess.Start(new ServiceStart(name, "Revalidator", settings, _folder));
        _started.Add(process);
        await process.WaitUntilReadyAsync(TimeSpan.FromSeconds(60), default);
        return process;
    }

    /// <summary>The section of <c>/status</c>.</summary>
    public static async Task<JsonElement> StatusAsync(Uri worker)
    {
        using var status = JsonDocument.Parse(await Http.GetStringAsync(new Uri(worker, "/status")));
        return status.RootElement.GetProperty("revalidation").Clone();
    }

    /// <summary>How many sessions fit a condition.</summary>
    public async Task<long> CountAsync(string where, params object?[] parameters)
    {
        await using var command = _database.Command($"select count(*) from {{own}}.session s where {where}", parameters);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Stored events of a kind.</summary>
    public async Task<long> EventsAsync(string type)
    {
        await using var command = _database.Command("select count(*) from {events}.mt_events where type = $1", type);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Waits until nothing is due and nothing is being checked.</summary>
    public Task QuietAsync() => Until.TrueAsync("all that was due is checked", async () =>
        await CountAsync("ended_at is null and (next_check_at <= $1 or check_until > clock_timestamp())", _clock.GetUtcNow()) == 0,
        Patience);

    /// <summary>When each grant was asked for, in seconds since the first one.</summary>
    public IReadOnlyList<double> TokenCalls()
    {
        var calls = Idp.Log.All.Where(r => r.Endpoint == StubEndpoint.Token).Select(r => r.ArrivedAt).Order().ToList();
        return [.. calls.Select(at => Stopwatch.GetElapsedTime(calls[0], at).TotalSeconds)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in _started)
        {
            await one.DisposeAsync();
        }

        await _database.DisposeAsync();
        await Idp.DisposeAsync();
        await Store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private Dictionary<string, string> Settings(string name, (string Path, string Value)[] own)
    {
        var settings = new Dictionary<string, string>(_settings, StringComparer.OrdinalIgnoreCase) { ["instance"] = name };
        foreach (var (path, value) in own)
        {
            settings[path] = value;
        }

        return settings;
    }

    private sealed class Stopping(WebApplication app) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await app.StopAsync(limit.Token);
            await app.DisposeAsync();
        }
    }
}
