using System.Runtime.CompilerServices;

namespace EventAuth.Services.Tests.Harness;

/// <summary>Makes the failpoints of services in this process usable (see <c>Failpoints</c>).</summary>
internal static class UnderTest
{
    [ModuleInitializer]
    internal static void Begin() => Environment.SetEnvironmentVariable("EVENTAUTH_TESTING", "1");
}
