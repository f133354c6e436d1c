using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace EventAuth.Guarantee.Processes;

/// <summary>
/// Postgres and RabbitMQ of <c>compose/up --infra-only</c>, on ports of their own; each can be killed and started again.
/// They end when we end: the pipe to whoever watches them is closed by the system even if this process is killed.
/// </summary>
internal sealed class Infrastructure : IAsyncDisposable
{
    private const int Ports = 8;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);
    private readonly Leash _up;
    private readonly Dictionary<string, string> _env;

    private Infrastructure(Leash up, Dictionary<string, string> env, string folder)
    {
        (_up, _env, Folder) = (up, env, folder);
        var url = new Uri(env["POSTGRES_URL"]);
        var user = url.UserInfo.Split(':');
        Postgres = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host,
            Port = url.Port,
            Username = user[0],
            Password = user[1],
            Database = url.AbsolutePath[1..],
        };
    }

    /// <summary>The way to the store without any link between that a fault could break.</summary>
    public NpgsqlConnectionStringBuilder Postgres { get; }

    /// <summary>Null: there is no broker.</summary>
    public Uri? Amqp => _env["AMQP_URL"] is { Length: > 0 } url ? new Uri(url) : null;

    /// <summary>For logs; removed at the end.</summary>
    public string Folder { get; }

    /// <exception cref="InvalidOperationException">They did not start; the message holds what was printed.</exception>
    public static async Task<Infrastructure> StartAsync(bool broker, CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("eventauth-guarantee-").FullName;
        var (file, log) = (Path.Combine(folder, "infra.env"), Path.Combine(folder, "infra.log"));
        string[] arguments = ["--infra-only", "--env", file, "--port-base", $"{FreePorts(Ports)}", .. broker ? Array.Empty<string>() : ["--no-broker"]];
        var up = Leash.Start(log, Path.Combine(FindRoot(), "compose/up"), arguments);
        try
        {
            var since = Stopwatch.GetTimestamp();
            while (!File.Exists(file))
            {
                if (up.HasEnded || Stopwatch.GetElapsedTime(since) > StartLimit)
                {
                    throw new InvalidOperationException($"compose/up did not start:\n{up.Output}");
                }

                await Task.Delay(50, ct);
            }

            var env = File.ReadLines(file).Select(l => l.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);
            return new Infrastructure(up, env, folder);
        }
        catch
        {
            await EndAsync(up, folder);
            throw;
        }
    }

    /// <summary>Sends a server a signal and waits until it has ended.</summary>
    /// <param name="name">postgres or rabbitmq.</param>
    /// <param name="signal">KILL as a crash does; QUIT is Postgres' immediate shutdown.</param>
    public async Task EndServerAsync(string name, string signal)
    {
        // Not the pid of the env file: it may have been started again since.
        var pid = (await File.ReadAllTextAsync(RunScript(name) + ".pid")).Split(' ')[0];
        using var process = Process.GetProcessById(int.Parse(pid, null));
        using var kill = Process.Start("kill", [$"-{signal}", pid]);
        await process.WaitForExitAsync();
    }

    /// <summary>Starts a server again until it stays; the last step of its boot is to listen.</summary>
    /// <exception cref="InvalidOperationException">It did not come back.</exception>
    public async Task StartServerAgainAsync(string name)
    {
        var port = name == "postgres" ? Postgres.Port : Amqp!.Port;
        var since = Stopwatch.GetTimestamp();
        Process? script = null;
        while (!await AnswersAsync(port))
        {
            if (Stopwatch.GetElapsedTime(since) > StartLimit)
            {
                throw new InvalidOperationException($"{name} did not come back");
            }

            // A crashed Postgres leaves children for a moment, which keep the next one from starting.
            if (script is not { HasExited: false })
            {
                script?.Dispose();
                script = Process.Start("setsid", RunScript(name));
            }

            await Task.Delay(100);
        }

        script?.Dispose();
    }

    /// <summary>Tells the broker something as its operator: rabbitmqctl.</summary>
    /// <exception cref="InvalidOperationException">It refused.</exception>
    public async Task ControlBrokerAsync(params string[] arguments)
    {
        var info = new ProcessStartInfo("/usr/lib/rabbitmq/bin/rabbitmqctl", ["-n", $"eventauth-{Amqp!.Port}@localhost", .. arguments]);
        info.Environment["HOME"] = Path.Combine(_env["WORLD_DIR"], "rabbitmq");
        info.Environment["RABBITMQ_CONF_ENV_FILE"] = "/dev/null";
        info.Environment["ERL_EPMD_PORT"] = $"{Amqp.Port + 2}";
        info.RedirectStandardOutput = info.RedirectStandardError = true;
        using var control = Process.Start(info) ?? throw new InvalidOperationException("rabbitmqctl did not start");
        var said = await control.StandardError.ReadToEndAsync();
        await control.WaitForExitAsync();
        if (control.ExitCode != 0)
        {
            throw new InvalidOperationException($"rabbitmqctl {string.Join(' ', arguments)}: {said}");
        }
    }

    public ValueTask DisposeAsync() => EndAsync(_up, Folder);

    /// <summary>So many neighbouring ports, below the range that the system gives to outgoing connections.</summary>
    public static int FreePorts(int count)
    {
        for (var tries = 0; tries < 100; tries++)
        {
            var first = RandomNumberGenerator.GetInt32(20000, 32700 - count);
            if (Enumerable.Range(first, count).All(IsFree))
            {
                return first;
            }
        }

        throw new InvalidOperationException("there are no free ports between 20000 and 32700");
    }

    private string RunScript(string name) => Path.Combine(_env["WORLD_DIR"], "run", name);

    private static async ValueTask EndAsync(Leash up, string folder)
    {
        await up.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<bool> AnswersAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string FindRoot()
    {
        foreach (var start in (string[])[AppContext.BaseDirectory, Environment.CurrentDirectory])
        {
            for (var at = new DirectoryInfo(start); at is not null; at = at.Parent)
            {
                if (File.Exists(Path.Combine(at.FullName, "EventAuth.sln")))
                {
                    return at.FullName;
                }
            }
        }

        throw new InvalidOperationException("EventAuth.sln is neither above this program nor above the current folder");
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
