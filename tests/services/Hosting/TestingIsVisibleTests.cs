using System.Diagnostics;
using EventAuth.Guarantee.Processes;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Hosting;

/// <summary>A process that a test can kill from outside must not run unnoticed.</summary>
public sealed class TestingIsVisibleTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("eventauth");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("Gateway", "relay.nowhere:exit")]
    [InlineData("Logout", "webhook.recv:explode")]
    [InlineData("Revalidator", "webhook.recv@often:exit")]
    public async Task A_failpoint_that_nobody_understands_ends_the_start_with_a_sentence_and_exit_code_2(string service, string failpoints)
    {
        using var process = Process.Start(Describe(service, "1", failpoints))!;
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal(2, process.ExitCode);
        Assert.Contains($"'{failpoints}'", said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_variable_nobody_reads_the_list()
    {
        var info = Describe("Gateway", "0", "nonsense");
        info.ArgumentList.Add("--check-config");
        using var process = Process.Start(info)!;
        await process.WaitForExitAsync();

        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task A_service_under_test_warns_once_when_it_starts()
    {
        await using var service = ServiceProcess.Start(new ServiceStart("logout", "Logout", Settings, _folder.FullName));

        await Until.TrueAsync("it has warned", async () =>
            (await service.ReadLogAsync(default)).Contains("WRN started with EVENTAUTH_TESTING=1", StringComparison.Ordinal));
    }

    private static Dictionary<string, string> Settings => new()
    {
        ["publicUrl"] = "https://auth.example.test",
        ["instance"] = "visible",
        ["listen.public"] = "http://127.0.0.1:0",
        ["listen.operations"] = "http://127.0.0.1:0",
        ["postgres.connectionString"] = "Host=127.0.0.1;Port=1",
        ["providers.0.issuer"] = "https://idp.example.test",
        ["providers.0.clientId"] = "eventauth",
        ["providers.0.clientSecret"] = "secret",
        ["secrets.tokenKeys.0.id"] = "k1",
        ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(new byte[32]),
        ["rules.0.host"] = "app.example.test",
        ["rules.0.access"] = "authenticated",
    };

    private static ProcessStartInfo Describe(string service, string testing, string failpoints)
    {
        var info = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, $"EventAuth.{service}.dll")]) { RedirectStandardError = true };
        foreach (var (key, value) in Settings)
        {
            info.Environment[$"EVENTAUTH__{key.Replace(".", "__", StringComparison.Ordinal).ToUpperInvariant()}"] = value;
        }

        info.Environment["EVENTAUTH_TESTING"] = testing;
        info.Environment["EVENTAUTH_FAILPOINTS"] = failpoints;
        return info;
    }
}
