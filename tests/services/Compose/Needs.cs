namespace EventAuth.Services.Tests.Compose;

/// <summary>What the world of <c>compose/up</c> needs on this machine before a test can start it.</summary>
internal static class Needs
{
    private static readonly string[] Services = ["Gateway", "Logout", "Revalidator"];

    /// <summary>The repository; null when the tests were built to somewhere else.</summary>
    public static readonly string? Root = FindRoot();

    /// <summary>Why no world can start; null when one can.</summary>
    public static readonly string? Missing = FindMissing();

    /// <summary>In CI everything has to be there: tests then run and fail instead of being skipped.</summary>
    public static bool IsCi => Environment.GetEnvironmentVariable("CI") == "true";

    public static string? Skip(string? reason) => IsCi ? null : reason;

    /// <summary>The first of the programs that is not on this machine.</summary>
    public static string? MissingProgram(params string[] programs) =>
        programs.FirstOrDefault(p => !OnPath(p)) is { } missing ? $"{missing} is not installed (tests/run installs it)" : null;

    public static bool OnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, program)));

    private static string? FindMissing()
    {
        if (Root is null)
        {
            return "EventAuth.sln is not above the tests";
        }

        var absent = Services.Select(s => Path.Combine(Root, $"artifacts/bin/EventAuth.{s}/release/EventAuth.{s}.dll")).FirstOrDefault(f => !File.Exists(f));
        return absent is null
            ? MissingProgram("caddy", "/usr/sbin/nginx", "node", "curl", "/usr/lib/rabbitmq/bin/rabbitmq-server")
            : $"{absent} is missing: build first (dotnet build EventAuth.sln -c Release)";
    }

    private static string? FindRoot()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "EventAuth.sln")))
        {
            at = at.Parent;
        }

        return at?.FullName;
    }
}

/// <summary>A test in the world of <c>compose/up</c>: skipped at home where that cannot start, never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ComposeFactAttribute : FactAttribute
{
    public ComposeFactAttribute() => Skip = Needs.Skip(Needs.Missing);
}

/// <summary>A test with a real browser too; <c>tests/run --no-browser</c> leaves it out.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Environment.GetEnvironmentVariable("EVENTAUTH_TEST_NO_BROWSER") == "1"
        ? "EVENTAUTH_TEST_NO_BROWSER=1"
        : Needs.Skip(Needs.Missing ?? Needs.MissingProgram("chromium", "chromedriver"));
}

/// <summary>A test behind Traefik, which Debian does not package: skipped where it is not on PATH.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TraefikFactAttribute : FactAttribute
{
    public TraefikFactAttribute() => Skip = Needs.OnPath("traefik") ? Needs.Skip(Needs.Missing) : "traefik is not on PATH";
}
