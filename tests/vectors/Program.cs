using System.Runtime.InteropServices;
using EventAuth.Guarantee.Processes;
using EventAuth.Vectors;
using Npgsql;

const int CouldNotRun = 2;
const string Usage = """
    Runs signed tokens, requests and addresses with expected answers through the real services.

      tests/vectors/run DIR...     every vector file in a folder (bcl-, idtoken-, bearer-vectors.json and others of
                                   their form), and redirect-payloads.json in it, its parent or grandparent; a file
                                   can be named itself
      --help                       this text

    Logout tokens and access tokens go over HTTP to a logout service and a gateway that run with the clock and the keys
    which the file names; ID tokens through /auth/callback, with an IdP that returns exactly that token; addresses to
    return to through the whole sign-in, judged by the last Location. What a file says and this program does not
    understand is a deviation too.

    Each deviation is a line with id, expected and seen. The last line is "N passed, N failed".
    EVENTAUTH_TEST_POSTGRES names a server on which databases may be made; without it one is started.
    Exit code: 0 all as expected, 1 deviations, 2 wrong arguments or no Postgres.
    """;

if (args.Contains("--help"))
{
    Console.WriteLine(Usage);
    return 0;
}

if (args.Length == 0 || args.FirstOrDefault(a => !File.Exists(a) && !Directory.Exists(a)) is not null)
{
    var wrong = args.FirstOrDefault(a => !File.Exists(a) && !Directory.Exists(a));
    Console.Error.WriteLine((wrong is null ? "" : $"there is no file or folder {wrong}\n\n") + Usage);
    return CouldNotRun;
}

using var stop = new CancellationTokenSource();
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
Infrastructure? started = null;
try
{
    var postgres = Environment.GetEnvironmentVariable("EVENTAUTH_TEST_POSTGRES");
    if (string.IsNullOrEmpty(postgres))
    {
        started = await Infrastructure.StartAsync(broker: false, stop.Token);
        postgres = started.Postgres.ConnectionString;
    }

    var report = await VectorRun.RunAsync(args, postgres, Console.Out, stop.Token);
    report.Finish();
    return report.Deviations.Count > 0 ? 1 : 0;
}
catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
{
    Console.Error.WriteLine(e.Message);
    return CouldNotRun;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("interrupted");
    return CouldNotRun;
}
finally
{
    if (started is not null)
    {
        await started.DisposeAsync();
    }
}
