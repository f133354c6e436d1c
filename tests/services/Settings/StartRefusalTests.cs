using System.Diagnostics;
using EventAuth.Adapters.Settings;

namespace EventAuth.Services.Tests.Settings;

/// <summary>TD8: what would make everything that follows worthless stops the start, with a sentence that says what to do.</summary>
public sealed class StartRefusalTests
{
    private static readonly Dictionary<string, string> Good = new(StringComparer.OrdinalIgnoreCase)
    {
        ["publicUrl"] = "https://auth.example.test",
        ["postgres.connectionString"] = "Host=localhost",
        ["providers.0.issuer"] = "https://idp.example.test",
        ["providers.0.clientId"] = "eventauth",
        ["providers.0.clientSecret"] = "secret",
        ["secrets.tokenKeys.0.id"] = "k1",
        ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(new byte[32]),
        ["rules.0.host"] = "app.example.test",
        ["rules.0.access"] = "authenticated",
    };

    [Theory]
    [InlineData("secrets.tokenKeys.0.key", null)]
    [InlineData("secrets.tokenKeys.0.key", "")]
    [InlineData("secrets.tokenKeys.0.key", "password")]
    [InlineData("secrets.tokenKeys.0.key", "AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("providers.0.clientSecret", null)]
    [InlineData("providers.0.clientSecret", "")]
    [InlineData("providers.0.clientId", "")]
    [InlineData("providers.0.issuer", "http://idp.example.test")]
    [InlineData("providers.0.issuer", "idp.example.test")]
    [InlineData("providers.0.signingAlgorithms", "none")]
    [InlineData("providers.0.signingAlgorithms", "RS256, HS256")]
    [InlineData("publicUrl", "http://auth.example.test")]
    [InlineData("publicUrl", "https://auth.example.test/path")]
    [InlineData("rules.0.host", "*")]
    [InlineData("rules.0.host", "*.*")]
    [InlineData("rules.0.host", "*.")]
    [InlineData("rules.0.host", "a*.example.test")]
    [InlineData("rules.0.host", "https://app.example.test")]
    [InlineData("rules.0.host", "app.example.test/x")]
    [InlineData("rules.0.host", "")]
    [InlineData("rules.0.access", "everyone")]
    [InlineData("rules.0.path", "public")]
    [InlineData("rules.0.path", "/public/../admin")]
    [InlineData("rules.0.grups", "staff")]
    [InlineData("trustedProxies", "*")]
    [InlineData("trustedProxies", "10.0.0.0/33")]
    [InlineData("allowEverybody", "true")]
    public void It_is_refused(string path, string? value)
    {
        Assert.NotNull(SettingsRules.Read(Good));
        var values = new Dictionary<string, string>(Good, StringComparer.OrdinalIgnoreCase);
        _ = value is null ? values.Remove(path) : (values[path] = value) is not null;

        var errors = Assert.Throws<SettingsException>(() => SettingsRules.Read(values)).Errors;

        Assert.Contains(errors, e => e.Contains(": ", StringComparison.Ordinal) && e.StartsWith(path.Split('.')[0], StringComparison.OrdinalIgnoreCase));
        Assert.All(errors, e => Assert.DoesNotContain("secret\"", e, StringComparison.Ordinal));
    }

    // Not only the rules: the program itself ends, without a stack trace and without having listened.
    [Theory]
    [InlineData("Gateway")]
    [InlineData("Logout")]
    [InlineData("Revalidator")]
    public async Task A_program_with_such_a_setting_ends_with_exit_code_2_and_the_sentence(string service)
    {
        var info = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, $"EventAuth.{service}.dll")]) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var (path, value) in Good)
        {
            info.Environment["EVENTAUTH__" + path.Replace(".", "__", StringComparison.Ordinal).ToUpperInvariant()] = value;
        }

        info.Environment["EVENTAUTH__RULES__0__HOST"] = "*";
        using var process = Process.Start(info)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var said = await process.StandardError.ReadToEndAsync() + await output;
        await process.WaitForExitAsync();

        Assert.Equal(2, process.ExitCode);
        Assert.Contains("rules", said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
    }
}
