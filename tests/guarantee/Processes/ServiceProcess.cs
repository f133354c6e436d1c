using System.Diagnostics;
using System.Net;

namespace EventAuth.Guarantee.Processes;

/// <summary>
/// One of the three services as a process of its own, so that it can be killed, frozen and started again on the same ports.
/// What it prints is kept in a file.
/// </summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private readonly ServiceStart _start;
    private Process? _process;

    private ServiceProcess(ServiceStart start) => _start = start;

    public string Name => _start.Name;

    public Uri Public => new(_start.Settings["listen.public"]);

    public Uri Operations => new(_start.Settings["listen.operations"]);

    public string LogFile => Path.Combine(_start.LogFolder, $"{_start.Name}.log");

    /// <summary>The process's id; 0 when it does not run.</summary>
    public int Pid => _process is { HasExited: false } p ? p.Id : 0;

    public bool HasExited => Pid == 0;

    /// <summary>Starts it; it is not ready yet.</summary>
    public static ServiceProcess Start(ServiceStart start)
    {
        var service = new ServiceProcess(start);
        service.StartAgain();
        return service;
    }

    /// <summary>Starts it again after it has ended, with the same settings.</summary>
    /// <param name="failpoints">See <c>Failpoints</c>; null: none.</param>
    public void StartAgain(string? failpoints = null)
    {
        _process?.Dispose();
        var info = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true };
        foreach (var argument in (string[])["-c", "exec \"$@\" >>\"$0\" 2>&1", LogFile, .. _start.Wrapper, "dotnet", _start.Assembly])
        {
            info.ArgumentList.Add(argument);
        }

        foreach (var (key, value) in _start.Settings)
        {
            info.Environment[$"EVENTAUTH__{key.Replace(".", "__", StringComparison.Ordinal).ToUpperInvariant()}"] = value;
        }

        info.Environment["EVENTAUTH_TESTING"] = "1";
        info.Environment["EVENTAUTH_FAILPOINTS"] = failpoints ?? _start.Failpoints;
        info.Environment["DOTNET_TieredPGO"] = "0";
        _process = Process.Start(info) ?? throw new InvalidOperationException($"{Name} did not start");
    }

    /// <summary>Waits until it says that it may be asked.</summary>
    /// <exception cref="InvalidOperationException">It ended, or was not ready in time; the message holds what it printed.</exception>
    public async Task WaitUntilReadyAsync(TimeSpan limit, CancellationToken ct)
    {
        var since = Stopwatch.GetTimestamp();
        while (!await IsReadyAsync(ct))
        {
            if (HasExited || Stopwatch.GetElapsedTime(since) > limit)
            {
                throw new InvalidOperationException($"{Name} is not ready:\n{await ReadLogAsync(ct)}");
            }

            await Task.Delay(20, ct);
        }
    }

    public async Task<bool> IsReadyAsync(CancellationToken ct)
    {
        try
        {
            using var answer = await Http.GetAsync(new Uri(Operations, "/readyz"), ct);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Waits for its end (a failpoint, a kill).</summary>
    public Task WaitForExitAsync(CancellationToken ct) => _process!.WaitForExitAsync(ct);

    /// <summary>Ends it as a crash does.</summary>
    public async Task KillAsync()
    {
        if (!HasExited)
        {
            _process!.Kill();
            await _process.WaitForExitAsync();
        }
    }

    /// <summary>SIGSTOP: it stands still, its connections stay open.</summary>
    public void Freeze() => Signal("STOP");

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Signal("CONT");

    /// <summary>SIGTERM, and waits until it has ended by itself.</summary>
    public async Task StopAsync(CancellationToken ct)
    {
        Signal("TERM");
        await _process!.WaitForExitAsync(ct);
    }

    public async Task<string> ReadLogAsync(CancellationToken ct) => File.Exists(LogFile) ? await File.ReadAllTextAsync(LogFile, ct) : "";

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process?.Dispose();
    }

    private void Signal(string name)
    {
        // 0 would mean our own process group.
        if (Pid is not 0 and var pid)
        {
            using var kill = Process.Start("kill", [$"-{name}", $"{pid}"]);
            kill.WaitForExit();
        }
    }
}

/// <summary>How a service is started.</summary>
/// <param name="Name">Its instance name and the name of its log file.</param>
/// <param name="Service">Gateway, Logout or Revalidator.</param>
/// <param name="Settings">Keys as in the settings reference (<c>listen.public</c>); both listeners need ports of their own.</param>
public sealed record ServiceStart(string Name, string Service, IReadOnlyDictionary<string, string> Settings, string LogFolder)
{
    /// <summary>Words before the command, e.g. to run it in a network of its own.</summary>
    public IReadOnlyList<string> Wrapper { get; init; } = [];

    /// <summary>What it meets at its first start; see <c>Failpoints</c>.</summary>
    public string? Failpoints { get; init; }

    /// <summary>The built service; project references put it beside whoever starts it.</summary>
    public string Assembly => Path.Combine(AppContext.BaseDirectory, $"EventAuth.{Service}.dll");
}
