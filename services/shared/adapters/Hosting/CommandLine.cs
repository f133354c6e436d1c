using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;

namespace EventAuth.Adapters.Hosting;

/// <summary>The few words a service understands, and what it says when the configuration is not usable.</summary>
public static class CommandLine
{
    /// <summary>The settings to run with, or null when the process should end with <paramref name="exitCode"/>.</summary>
    public static EventAuthSettings? Read(string[] args, string service, out int exitCode)
    {
        exitCode = 0;
        string? file = null;
        var checkOnly = false;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--config" when i + 1 < args.Length:
                    file = args[++i];
                    break;
                case "--check-config":
                    checkOnly = true;
                    break;
                case "--help" or "-h":
                    Console.Out.WriteLine(Help(service));
                    return null;
                default:
                    Console.Error.WriteLine($"unknown argument '{args[i]}'\n{Help(service)}");
                    exitCode = 2;
                    return null;
            }
        }

        return Read(file, checkOnly, ref exitCode);
    }

    private static EventAuthSettings? Read(string? file, bool checkOnly, ref int exitCode)
    {
        try
        {
            var settings = SettingsRules.Read(SettingsSource.Load(file, Environment.GetEnvironmentVariables()));

            // The service reads them once more; here they can still end the start with a sentence.
            Failpoints.FromEnvironment();
            if (!checkOnly)
            {
                return settings;
            }

            Console.Out.WriteLine("The configuration is usable.");
        }
        catch (Exception e) when (e is SettingsException or FormatException)
        {
            Console.Error.WriteLine(e.Message);
            exitCode = 2;
        }

        return null;
    }

    private static string Help(string service) => $"""
        EventAuth {service}

          --config FILE    settings in YAML (eventauth.yaml); see the settings reference in the README
          --check-config   read and check the settings, then stop: exit code 0 or 2
          --help           this text

        Every setting has an environment twin that wins over the file:
        session.lifetime is EVENTAUTH__SESSION__LIFETIME, providers[0].issuer is EVENTAUTH__PROVIDERS__0__ISSUER.
        """;
}
