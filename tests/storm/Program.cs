using System.Globalization;
using System.Runtime.InteropServices;
using EventAuth.Guarantee.Histories;
using EventAuth.Storm;

const int WorldFailed = 2;
if (args.Contains("--help"))
{
    Console.WriteLine(Options.Usage);
    return 0;
}

using var stop = new CancellationTokenSource();
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
void Say(string text) => Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[{Monotonic.Now / (double)Monotonic.Second,7:F1} s] {text}"));

try
{
    var options = Options.Parse(args);
    Say($"seed {options.Seed}");
    var cycles = await new Run(options, Say).MakeAsync(stop.Token);
    Console.WriteLine(StormReport.Write(cycles));
    return cycles.Any(c => c.Wrong.Count > 0) ? 1 : 0;
}
catch (FormatException e)
{
    Console.Error.WriteLine(e.Message + "\n\n" + Options.Usage);
    return WorldFailed;
}
catch (InvalidOperationException e)
{
    Console.Error.WriteLine(e.Message);
    return WorldFailed;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("interrupted");
    return WorldFailed;
}
