using System.Diagnostics;

namespace EventAuth.Guarantee.Processes;

/// <summary>
/// A program that ends when we end: its leash is a pipe that the system closes even if this process is killed. Whoever
/// holds the other end then sends TERM to the program's group: Chromium would outlive its driver.
/// </summary>
internal sealed class Leash : IAsyncDisposable
{
    // exec keeps the pid, so $$ is the program's own; setsid makes it the group's too.
    private const string Script = """
        log=$1; shift; exec 3<&0
        { read -r _ <&3; kill -TERM -- -$$; } &
        exec "$@" >"$log" 2>&1 3<&- </dev/null
        """;

    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(40);
    private readonly Process _process;
    private readonly string _log;

    private Leash(Process process, string log) => (_process, _log) = (process, log);

    public bool HasEnded => _process.HasExited;

    /// <summary>What it has printed so far.</summary>
    public string Output => File.Exists(_log) ? File.ReadAllText(_log) : "";

    public static Leash Start(string log, string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("setsid", ["bash", "-c", Script, "leash", log, program, .. arguments]) { RedirectStandardInput = true };
        return new Leash(Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start"), log);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Farewell);
        await _process.WaitForExitAsync(limit.Token);
        _process.Dispose();
    }
}
