using System.Globalization;
using System.Runtime.InteropServices;
using EventAuth.Guarantee;
using EventAuth.Guarantee.Checking;
using EventAuth.Guarantee.Faults;
using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Reports;

const int WorldFailed = 2;
if (args.Contains("--help"))
{
    Console.WriteLine(Options.Usage + Catalogue.Table);
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
    var options = Options.Parse(args, Catalogue.Names);
    Say($"seed {options.Seed}");
    var history = options.IsExternal ? await new ExternalRun(options, Say).MakeAsync(stop.Token) : await new Run(options, Say).MakeAsync(stop.Token);
    var (violations, latencies) = (HistoryChecker.Check(history), Latency.Of(history));
    if (options.Plot is { } plot)
    {
        await File.WriteAllTextAsync(plot, Plot.Write(latencies, $"{latencies.Count} revocations, {history.Windows.Count} faults, seed {options.Seed}, {violations.Count} violations"));
    }

    if (options.History is { } file)
    {
        await HistoryFile.WriteAsync(file, history, violations);
    }

    Console.WriteLine(TextReport.Write(history, violations, latencies, options.Again, options.IsExternal ? ExternalRun.NotChecked : null));
    return violations.Count > 0 ? 1 : 0;
}
catch (FormatException e)
{
    Console.Error.WriteLine(e.Message + "\n\n" + Options.Usage + Catalogue.Table);
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
