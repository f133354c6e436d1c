using System.Globalization;
using System.Security.Cryptography;

namespace EventAuth.Guarantee;

/// <summary>The command line.</summary>
internal sealed record Options
{
    public const string Usage = """
        Revokes sessions while servers break, asks every gateway about everybody, and judges what they said.

          --seconds S          how long to revoke (60)
          --seed N             what breaks when (random; printed)
          --faults LIST        all, none, or names from the table below, with commas (all)
          --gateways N         replicas (2)
          --sessions N         sessions at any time (200)
          --rate R             revocations per second (10)
          --asks R             questions per second about sessions that nothing happens to (600)
          --no-broker          without RabbitMQ
          --plot FILE.svg      the latencies as a picture
          --history FILE       everything that was seen, one JSON object a line
          --set KEY=VALUE      a setting of the services, e.g. --set revocation.bound=60s; repeatable
          --failpoints LIST    what the gateways meet on purpose (EVENTAUTH_FAILPOINTS). To see the checker bite, let them read late
                               and trust for long: --set revocation.bound=60s --failpoints feed.before-read:delay=8000
          --env FILE           a world of compose/up that runs already, instead of one of our own; nothing is broken there
          --gateway-url URL…   the same, with the gateways' addresses instead of those in FILE
          --help               this text

        Exit code: 0 no violation, 1 violations, 2 wrong arguments or a world that did not start.

        What can be broken:

        """;

    public int Seconds { get; private init; } = 60;

    public ulong Seed { get; private init; }

    /// <summary>Null: all that the world has.</summary>
    public IReadOnlyList<string>? Faults { get; private init; }

    public int Gateways { get; private init; } = 2;

    public int Sessions { get; private init; } = 200;

    public double Rate { get; private init; } = 10;

    public double Asks { get; private init; } = 600;

    public bool Broker { get; private init; } = true;

    public string? Plot { get; private init; }

    public string? History { get; private init; }

    public IReadOnlyDictionary<string, string> Settings { get; private init; } = new Dictionary<string, string>();

    public string? Failpoints { get; private init; }

    public string? Env { get; private init; }

    public IReadOnlyList<Uri> GatewayUrls { get; private init; } = [];

    /// <summary>Whether the world is somebody else's.</summary>
    public bool IsExternal => Env is not null || GatewayUrls.Count > 0;

    /// <summary>The command that does the same once more: what breaks when and for how long, not each interleaving.</summary>
    public string Again { get; private init; } = "";

    /// <exception cref="FormatException">The message says what is wrong.</exception>
    public static Options Parse(IReadOnlyList<string> arguments, IReadOnlySet<string> knownFaults)
    {
        var options = new Options { Seed = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4)) };
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--no-broker")
            {
                options = options with { Broker = false };
                continue;
            }

            var option = i;
            var value = i + 1 < arguments.Count ? arguments[i + 1] : throw new FormatException($"{arguments[i]} is unknown or needs a value");
            options = options.With(arguments[i], value, knownFaults);
            for (i++; arguments[option] == "--gateway-url" && i + 1 < arguments.Count && !arguments[i + 1].StartsWith('-'); i++)
            {
                options = options.With("--gateway-url", arguments[i + 1], knownFaults);
            }
        }

        var rest = arguments.Where((a, i) => a != "--seed" && (i == 0 || arguments[i - 1] != "--seed"));
        return options with
        {
            Again = string.Create(CultureInfo.InvariantCulture, $"dotnet run -c Release --project tests/guarantee -- {string.Join(' ', rest.Append("--seed"))} {options.Seed}"),
        };
    }

    private Options With(string name, string value, IReadOnlySet<string> knownFaults) => name switch
    {
        "--seconds" => this with { Seconds = (int)Number(name, value, 1, 86_400) },
        "--seed" => this with { Seed = ulong.TryParse(value, CultureInfo.InvariantCulture, out var seed) ? seed : throw new FormatException($"--seed needs a number, not '{value}'") },
        "--faults" => this with { Faults = FaultNames(value, knownFaults) },
        "--gateways" => this with { Gateways = (int)Number(name, value, 1, 10) },
        "--sessions" => this with { Sessions = (int)Number(name, value, 2, 20_000) },
        "--rate" => this with { Rate = Number(name, value, 0.01, 500) },
        "--asks" => this with { Asks = Number(name, value, 1, 20_000) },
        "--plot" => this with { Plot = value },
        "--history" => this with { History = value },
        "--set" when value.Split('=', 2) is [var key, var text] => this with { Settings = new Dictionary<string, string>(Settings) { [key] = text } },
        "--failpoints" => this with { Failpoints = value },
        "--env" => this with { Env = value },
        "--gateway-url" => this with { GatewayUrls = [.. GatewayUrls, Url(value)] },
        _ => throw new FormatException($"{name} is unknown"),
    };

    private static IReadOnlyList<string>? FaultNames(string value, IReadOnlySet<string> known) => value switch
    {
        "all" => null,
        "none" => [],
        _ => value.Split(',') is var names && Array.Find(names, n => !known.Contains(n)) is { } unknown
            ? throw new FormatException($"there is no fault '{unknown}'")
            : value.Split(','),
    };

    private static Uri Url(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var url) ? url : throw new FormatException($"--gateway-url needs addresses, not '{value}'");

    private static double Number(string name, string value, double from, double to) =>
        double.TryParse(value, CultureInfo.InvariantCulture, out var number) && number >= from && number <= to
            ? number
            : throw new FormatException($"{name} needs a number from {from} to {to}, not '{value}'");
}
