using System.Diagnostics;
using Npgsql;

namespace EventAuth.Services.Tests.Harness;

/// <summary>
/// A Postgres cluster of a test's own, which it may stop, kill, fill and fail over. Runs as the user postgres when the tests
/// run as root. Without fsync unless asked for: killing a process loses nothing that the kernel has.
/// </summary>
internal sealed class PrivatePostgres : IAsyncDisposable
{
    private static readonly string? Bin = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Where(d => File.Exists(Path.Combine(d, "initdb"))).Max()
        : null;

    private readonly string _folder;
    private readonly bool _ownFolder;

    private PrivatePostgres(string folder, bool ownFolder) => (_folder, _ownFolder) = (folder, ownFolder);

    /// <summary>Why there can be none; null when there can.</summary>
    public static string? Missing => Bin is null ? "no Postgres binaries under /usr/lib/postgresql" : null;

    public int Port { get; } = Ports.Free();

    /// <summary>Its only database, with an owner who may do everything.</summary>
    public string ConnectionString => StringFor("127.0.0.1", Port);

    private string Data => Path.Combine(_folder, "data");

    /// <summary>Makes a cluster and starts it.</summary>
    /// <param name="folder">An empty folder to put it in; null: one of its own.</param>
    public static async Task<PrivatePostgres> StartAsync(string? folder = null, params string[] configuration)
    {
        var server = new PrivatePostgres(folder ?? Directory.CreateTempSubdirectory("eventauth-pg-").FullName, folder is null);
        await GiveToPostgresAsync(server._folder);
        await AsPostgresAsync("initdb", "-D", server.Data, "-U", "eventauth", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
            "--no-instructions", "--no-sync", "--wal-segsize=1");
        await server.ConfigureAsync(["fsync = off", "full_page_writes = off", "wal_level = replica", "min_wal_size = 2MB", "max_wal_size = 16MB",
            "shared_buffers = 16MB", .. configuration]);
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>A standby that follows a primary through the given port, which may be a link that breaks.</summary>
    /// <param name="name">Its name for <c>synchronous_standby_names</c>.</param>
    public static async Task<PrivatePostgres> StandbyAsync(string name, int throughPort)
    {
        var standby = new PrivatePostgres(Directory.CreateTempSubdirectory("eventauth-pg-").FullName, ownFolder: true);
        await GiveToPostgresAsync(standby._folder);
        await AsPostgresAsync("pg_basebackup", "-D", standby.Data, "-R", "-X", "stream", "-c", "fast", "--no-sync",
            "-d", $"host=127.0.0.1 port={throughPort} user=eventauth application_name={name}");
        await standby.ConfigureAsync(["synchronous_standby_names = ''"]);
        await standby.StartAgainAsync();
        return standby;
    }

    /// <summary>Adds settings; they count from the next start or <see cref="ReloadAsync"/> on.</summary>
    public Task ConfigureAsync(IEnumerable<string> lines) => File.AppendAllLinesAsync(Path.Combine(Data, "postgresql.conf"),
        [.. lines, "listen_addresses = '127.0.0.1'", $"port = {Port}", "unix_socket_directories = ''"]);

    public Task ReloadAsync() => AsPostgresAsync("pg_ctl", "-D", Data, "reload");

    public Task StartAgainAsync() => AsPostgresAsync("pg_ctl", "-D", Data, "-w", "-t", "30", "-l", Path.Combine(_folder, "log"), "start");

    /// <param name="mode"><c>fast</c>, or <c>immediate</c>: as a crash, without a checkpoint.</param>
    public Task StopAsync(string mode) => AsPostgresAsync("pg_ctl", "-D", Data, "-w", "-t", "30", "-m", mode, "stop");

    /// <summary>Kills it as a crash does; its children end by themselves.</summary>
    public async Task KillAsync()
    {
        var pid = (await File.ReadAllLinesAsync(Path.Combine(Data, "postmaster.pid")))[0];
        await RunAsync("kill", "-KILL", pid);
    }

    public Task PromoteAsync() => AsPostgresAsync("pg_ctl", "-D", Data, "-w", "-t", "30", "promote");

    /// <summary>Starts it again if it has given up, and waits until it answers.</summary>
    public async Task RecoverAsync()
    {
        if (!await AnswersAsync())
        {
            await RunAsync([.. Prefix, Path.Combine(Bin!, "pg_ctl"), "-D", Data, "-w", "-t", "30", "-l", Path.Combine(_folder, "log"), "start"], mayFail: true);
        }

        await Until.TrueAsync("Postgres answers", AnswersAsync);
    }

    /// <summary>Keeps a copy of its data; it must not run.</summary>
    public Task BackUpAsync() => RunAsync("cp", "-a", Data, Data + ".backup");

    /// <summary>Puts the copy in the place of its data; it must not run.</summary>
    public async Task RestoreAsync()
    {
        Directory.Delete(Data, recursive: true);
        await RunAsync("cp", "-a", Data + ".backup", Data);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(ConnectionString + ";Pooling=false;Timeout=1");
            await using var command = source.CreateCommand("select 1");
            await command.ExecuteScalarAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    /// <summary>The same database by another way.</summary>
    public static string StringFor(string host, int port) => $"Host={host};Port={port};Username=eventauth;Database=postgres";

    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
        {
            await RunAsync([.. Prefix, Path.Combine(Bin!, "pg_ctl"), "-D", Data, "-w", "-m", "immediate", "stop"], mayFail: true);
        }

        if (_ownFolder)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static string[] Prefix => Environment.UserName == "root" ? ["runuser", "-u", "postgres", "--"] : [];

    private static async Task GiveToPostgresAsync(string folder)
    {
        if (Environment.UserName == "root")
        {
            await RunAsync("chown", "postgres", folder);
        }
    }

    private static Task AsPostgresAsync(string program, params string[] arguments) =>
        RunAsync([.. Prefix, Path.Combine(Bin!, program), .. arguments], mayFail: false);

    private static Task RunAsync(params string[] command) => RunAsync(command, mayFail: false);

    private static async Task RunAsync(string[] command, bool mayFail)
    {
        // Output to nowhere: a server that is started here would hold a pipe open for its life.
        var info = new ProcessStartInfo("/bin/sh") { WorkingDirectory = "/" };
        foreach (var word in (string[])["-c", "exec \"$@\" >/dev/null 2>&1 </dev/null", "sh", .. command])
        {
            info.ArgumentList.Add(word);
        }

        using var process = Process.Start(info)!;
        await process.WaitForExitAsync();
        Assert.True(mayFail || process.ExitCode == 0, $"{string.Join(' ', command)} ended with {process.ExitCode}");
    }
}

/// <summary>A test that starts Postgres clusters of its own: skipped at home without the programs, never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OwnPostgresFactAttribute : FactAttribute
{
    public OwnPostgresFactAttribute() =>
        Skip = Environment.GetEnvironmentVariable("CI") == "true" ? null : PrivatePostgres.Missing;
}
