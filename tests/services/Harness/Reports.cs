namespace EventAuth.Services.Tests.Harness;

/// <summary>What tests have measured or seen, for people: files in the folder that <c>EVENTAUTH_REPORTS</c> names, if it names one.</summary>
internal static class Reports
{
    public static void Write(string name, IEnumerable<string> lines)
    {
        if (Environment.GetEnvironmentVariable("EVENTAUTH_REPORTS") is { Length: > 0 } folder)
        {
            File.WriteAllLines(Path.Combine(Directory.CreateDirectory(folder).FullName, name), lines);
        }
    }
}
