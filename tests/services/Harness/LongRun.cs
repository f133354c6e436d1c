namespace EventAuth.Services.Tests.Harness;

/// <summary>With <c>EVENTAUTH_LONG=1</c> the fault tests repeat and last longer; otherwise one round of each has to do.</summary>
internal static class LongRun
{
    public static readonly bool Wanted = Environment.GetEnvironmentVariable("EVENTAUTH_LONG") == "1";

    public static int Times(int usual, int @long) => Wanted ? @long : usual;
}
