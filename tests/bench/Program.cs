using System.Diagnostics;
using System.Globalization;
using EventAuth.Bench;

// Interleaved rounds, because the clock of a shared machine drifts: only ratios within one run mean something.
if (args is not [] and not ["--rounds", _])
{
    Console.Error.WriteLine("usage: bench [--rounds N]   prints ns and bytes per operation, and the ratio to each case's floor");
    return 2;
}

var rounds = args is ["--rounds", var text] && int.TryParse(text, CultureInfo.InvariantCulture, out var n) && n > 0 ? n : 31;
var cases = Cases.All();
var samples = cases.ToDictionary(c => c.Name, _ => new List<double>());
var bytes = new Dictionary<string, double>();

for (var round = -3; round < rounds; round++)
{
    foreach (var c in cases)
    {
        var (nanoseconds, allocated) = Measure(c.Run);
        if (round >= 0)
        {
            samples[c.Name].Add(nanoseconds);
            bytes[c.Name] = allocated;
        }
    }

    Console.Error.Write($"\rround {Math.Max(round + 1, 0)} of {rounds}");
}

Console.Error.WriteLine();
Console.WriteLine($"{"case",-44} {"ns",9} {"bytes",7} {"x floor",8}");
foreach (var c in cases)
{
    var ratio = c.Floor is null ? "" : (Median(samples[c.Name]) / Median(samples[c.Floor])).ToString("0.00", CultureInfo.InvariantCulture);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{c.Name,-44} {Median(samples[c.Name]),9:0} {bytes[c.Name],7:0} {ratio,8}"));
}

return 0;

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

static (double Nanoseconds, double Bytes) Measure(Func<int> run)
{
    const int Milliseconds = 4;
    var (count, sum) = (0L, 0);
    var before = GC.GetAllocatedBytesForCurrentThread();
    var started = Stopwatch.GetTimestamp();
    do
    {
        for (var i = 0; i < 64; i++)
        {
            sum += run();
        }

        count += 64;
    }
    while (Stopwatch.GetElapsedTime(started).TotalMilliseconds < Milliseconds);

    GC.KeepAlive(sum);
    return (Stopwatch.GetElapsedTime(started).TotalNanoseconds / count, (GC.GetAllocatedBytesForCurrentThread() - before) / (double)count);
}
