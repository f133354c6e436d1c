using System.Globalization;
using System.Security.Cryptography;

namespace EventAuth.Storm;

/// <summary>The command line.</summary>
internal sealed record Options
{
    public const string Usage = """
        Lets everybody's access tokens expire and then asks for all sessions at once, over all gateways. The IdP rotates refresh tokens and
        ends the whole grant when one comes back. Exactly one call to it per session and cycle is right.

          --gateways N         replicas (2)
          --sessions S         sessions (20)
          --parallel P         requests at once for each session (60)
          --cycles C           how often (10)
          --life SECONDS       how long an access token lives (4; 12 with --kill-leader)
          --kill-leader        in each cycle one gateway is killed (SIGKILL) while it refreshes, and started again after it
          --retry-window S     the IdP takes a used refresh token once more for S seconds (0: never)
          --seed N             who is killed when (random; printed)
          --no-broker          without RabbitMQ
          --help               this text

        Exit code: 0 as it should be, 1 not so, 2 wrong arguments, a world that did not start or a machine that is too slow.
        """;

    public int Gateways { get; private init; } = 2;

    public int Sessions { get; private init; } = 20;

    public int Parallel { get; private init; } = 60;

    public int Cycles { get; private init; } = 10;

    /// <summary>Of an access token.</summary>
    public TimeSpan Life { get; private init; }

    public bool KillLeader { get; private init; }

    public TimeSpan RetryWindow { get; private init; }

    public ulong Seed { get; private init; }

    public bool Broker { get; private init; } = true;

    /// <exception cref="FormatException">The message says what is wrong.</exception>
    public static Options Parse(IReadOnlyList<string> arguments)
    {
        var options = new Options { Seed = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4)) };
        for (var i = 0; i < arguments.Count; i++)
        {
            options = arguments[i] switch
            {
                "--no-broker" => options with { Broker = false },
                "--kill-leader" => options with { KillLeader = true },
                _ when i + 1 < arguments.Count => options.With(arguments[i], arguments[++i]),
                var last => throw new FormatException($"{last} is unknown or needs a value"),
            };
        }

        if (options is { KillLeader: true, Gateways: 1 })
        {
            throw new FormatException("--kill-leader needs another gateway that goes on");
        }

        return options.Life > TimeSpan.Zero ? options : options with { Life = TimeSpan.FromSeconds(options.KillLeader ? 12 : 4) };
    }

    private Options With(string name, string value) => name switch
    {
        "--gateways" => this with { Gateways = Number(name, value, 1, 10) },
        "--sessions" => this with { Sessions = Number(name, value, 1, 1000) },
        "--parallel" => this with { Parallel = Number(name, value, 1, 1000) },
        "--cycles" => this with { Cycles = Number(name, value, 1, 100_000) },
        "--life" => this with { Life = TimeSpan.FromSeconds(Number(name, value, 2, 3600)) },
        "--retry-window" => this with { RetryWindow = TimeSpan.FromSeconds(Number(name, value, 0, 3600)) },
        "--seed" => this with { Seed = (ulong)Number(name, value, 0, long.MaxValue) },
        _ => throw new FormatException($"{name} is unknown"),
    };

    private static int Number(string name, string value, int from, int to) => (int)Number(name, value, from, (long)to);

    private static long Number(string name, string value, long from, long to) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= from && number <= to
            ? number
            : throw new FormatException($"{name} needs a number from {from} to {to}, not '{value}'");
}
