using System.Text.RegularExpressions;

namespace EventAuth.Domain.Tests;

/// <summary>Faults of the platform that we are safe from because of what we do not use, or which version we run on.</summary>
public sealed partial class PlatformTests
{
    // CVE-2026-40372: for some versions a cookie that the framework had protected was accepted without its signature.
    [Fact]
    public void TD2_nothing_is_protected_by_the_frameworks_data_protection() =>
        Assert.DoesNotContain(Sources(), f => Protection().IsMatch(File.ReadAllText(f)));

    // CVE-2025-55315 was repaired before the first release of .NET 10. What the listener does is tested at its socket (FramingTests).
    [Fact]
    public void The_runtime_is_none_of_those_that_read_chunk_extensions_loosely()
    {
        Assert.True(Environment.Version >= new Version(10, 0, 0), $"{Environment.Version}");
        Assert.DoesNotContain("preview", System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("-rc.1", System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription, StringComparison.OrdinalIgnoreCase);
    }

    // CVE-2026-34457: who called himself a health check was let through. What no rule can say, nobody can write down one day.
    [Fact]
    public void F6_no_rule_can_speak_of_what_a_client_says_about_itself()
    {
        var members = typeof(Domain.Access.AccessRule).GetProperties().Select(p => p.Name).ToList();

        Assert.Contains("PathPrefix", members);
        Assert.DoesNotContain(members, n => ClientsWord().IsMatch(n));
    }

    private static IEnumerable<string> Sources() => new[] { "contracts", "services" }
        .SelectMany(d => Directory.EnumerateFiles(Path.Combine(Tree.Root, d), "*.cs", SearchOption.AllDirectories));

    [GeneratedRegex("Agent|Refer|Origin|Cookie|Header|Query|Address|Forwarded")]
    private static partial Regex ClientsWord();

    [GeneratedRegex(@"DataProtect|IDataProtector|AddAntiforgery|AddSession\(|AddCookie\(")]
    private static partial Regex Protection();
}
