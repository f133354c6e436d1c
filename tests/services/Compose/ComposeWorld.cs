using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using EventAuth.Guarantee.Processes;
using EventAuth.Services.Tests.Harness;
using Npgsql;

namespace EventAuth.Services.Tests.Compose;

/// <summary>What <c>compose/up</c> starts, on ports of its own: real servers and the services as they were built.</summary>
public sealed class ComposeWorld : IAsyncDisposable
{
    private const int Ports = 20;
    private static readonly HttpClient Http = new();
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(120);
    private readonly Leash _up;
    private readonly DirectoryInfo _folder;
    private readonly Dictionary<string, string> _env;

    private ComposeWorld(Leash up, DirectoryInfo folder, Dictionary<string, string> env)
    {
        (_up, _folder, _env) = (up, folder, env);
        Idp = new IdpControl(new Uri(env["IDP_URL"]));
    }

    public Uri Edge => new(_env["EDGE_URL"]);

    /// <summary>The gateways' public listeners, behind the edge.</summary>
    public IReadOnlyList<Uri> Gateways => [.. Enumerable.Range(1, int.Parse(_env["GATEWAYS"], null)).Select(i => new Uri(_env[$"GATEWAY_{i}_URL"]))];

    public string Logs => Path.Combine(_env["WORLD_DIR"], "logs");

    internal IdpControl Idp { get; }

    /// <summary>The secret of our registrations at the IdP.</summary>
    internal string ClientSecret => _env["CLIENT_SECRET"];

    /// <param name="edge">caddy, nginx or traefik.</param>
    /// <param name="revalidation">How often the IdP is asked again.</param>
    /// <exception cref="InvalidOperationException">It did not start; the message holds what it printed.</exception>
    public static async Task<ComposeWorld> StartAsync(string edge, string revalidation)
    {
        if (Needs.Missing is { } missing)
        {
            throw new InvalidOperationException(missing);
        }

        var folder = Directory.CreateTempSubdirectory("eventauth-compose-");
        var file = Path.Combine(folder.FullName, "env");
        var up = Leash.Start(Path.Combine(folder.FullName, "log"), Path.Combine(Needs.Root!, "compose/up"),
            ["--no-build", "--edge", edge, "--port-base", $"{FreePorts()}", "--env", file, "--set", $"REVALIDATION__INTERVAL={revalidation}"]);
        try
        {
            await Until.TrueAsync("compose/up is ready or has given up", () => Task.FromResult(File.Exists(file) || up.HasEnded), Start);
            return new ComposeWorld(up, folder, ReadEnv(file));
        }
        catch (Exception e)
        {
            var output = up.Output;
            await EndAsync(up, folder);
            throw new InvalidOperationException($"compose/up did not start:\n{output}", e);
        }
    }

    /// <summary>Somebody at a computer of their own.</summary>
    internal ScriptedBrowser NewBrowser() => new(this);

    /// <summary>How many requests have reached the application, by its own count.</summary>
    public async Task<int> HitsAsync()
    {
        using var hits = JsonDocument.Parse(await Http.GetStringAsync(new Uri(new Uri(_env["APP_DIRECT_URL"]), "/__hits")));
        return hits.RootElement.GetProperty("hits").GetInt32();
    }

    /// <summary>Whether the gateways hear the broker, by their own account.</summary>
    public async Task<bool[]> HearBrokerAsync() => await Task.WhenAll(Enumerable.Range(1, Gateways.Count).Select(async i =>
    {
        using var status = JsonDocument.Parse(await Http.GetStringAsync(new Uri(new Uri(_env[$"GATEWAY_{i}_OPS_URL"]), "/status")));
        return status.RootElement.GetProperty("service").GetProperty("broker").GetString() == "Healthy";
    }));

    /// <summary>Ends a server as a crash does: kill -9.</summary>
    public async Task KillAsync(string name)
    {
        // Not the pid of the env file: it may have been started again since.
        var pid = (await File.ReadAllTextAsync(Script(name) + ".pid")).Split(' ')[0];
        using var process = Process.GetProcessById(int.Parse(pid, null));
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Starts a server that was killed, as compose/up had started it.</summary>
    public void StartAgain(string name)
    {
        using var process = Process.Start("setsid", Script(name));
    }

    /// <summary>The rows of a query of one column.</summary>
    public async Task<List<string>> QueryAsync(string sql)
    {
        var url = new Uri(_env["POSTGRES_URL"]);
        var user = url.UserInfo.Split(':');
        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host,
            Port = url.Port,
            Username = user[0],
            Password = user[1],
            Database = url.AbsolutePath[1..],
            Pooling = false,
        };
        await using var source = NpgsqlDataSource.Create(connection.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    public ValueTask DisposeAsync() => EndAsync(_up, _folder);

    private string Script(string name) => Path.Combine(_env["WORLD_DIR"], "run", name);

    private static async ValueTask EndAsync(Leash up, DirectoryInfo folder)
    {
        await up.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private static Dictionary<string, string> ReadEnv(string file) =>
        File.ReadLines(file).Select(l => l.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);

    // Below the range that the system gives to outgoing connections.
    internal static int FreePorts()
    {
        for (var tries = 0; tries < 50; tries++)
        {
            var first = RandomNumberGenerator.GetInt32(20000, 31000);
            if (Enumerable.Range(first, Ports).All(IsFree))
            {
                return first;
            }
        }

        throw new InvalidOperationException("there are no free ports between 20000 and 31000");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
