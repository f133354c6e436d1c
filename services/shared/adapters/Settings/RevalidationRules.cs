using Codes = EventAuth.Domain.Refresh.FatalErrors;

namespace EventAuth.Adapters.Settings;

/// <summary>Reads <c>revalidation</c>, and what ends sessions at each issuer.</summary>
internal static class RevalidationRules
{
    private const string Fatal = "revalidation.fatalErrors";
    private const string NonFatal = "revalidation.nonFatalErrors";

    public static RevalidationSettings Read(SettingsReader r)
    {
        CheckCodes(r);
        return new RevalidationSettings(
            r.Duration("revalidation.interval", TimeSpan.FromSeconds(60), TimeSpan.Zero),
            r.Duration("revalidation.timeout", TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)),
            r.Choice("revalidation.onFailure", OnFailure.Allow),
            r.Number("revalidation.concurrency", 8, 1, 1000), r.Number("revalidation.batch", 50, 1, 1000),
            r.Duration("revalidation.maxUnverifiedAge", TimeSpan.FromMinutes(15), TimeSpan.Zero))
        {
            IdleInterval = r.Duration("revalidation.idleInterval", TimeSpan.FromMinutes(10), TimeSpan.Zero),
            Rate = r.Number("revalidation.rate", 50, 0, 100_000),
        };
    }

    /// <summary>Every word that ends sessions at one issuer.</summary>
    public static IReadOnlySet<string> FatalErrors(SettingsReader r, string path)
    {
        var own = r.List($"{path}.fatalErrors");
        CheckCodes(r, $"{path}.fatalErrors", own);
        return Codes.Of(r.List(Fatal), r.List(NonFatal), own);
    }

    private static void CheckCodes(SettingsReader r)
    {
        var (added, removed) = (r.List(Fatal), r.List(NonFatal));
        CheckCodes(r, Fatal, added);
        foreach (var code in removed)
        {
            if (added.Contains(code))
            {
                r.Fail(NonFatal, $"'{code}' is in {Fatal} too");
            }
            else if (!Codes.Default.Contains(code))
            {
                r.Fail(NonFatal, $"'{code}' ends no session anyway; only {string.Join(" and ", Codes.Default.Order())} do");
            }
        }
    }

    private static void CheckCodes(SettingsReader r, string path, IReadOnlyList<string> codes)
    {
        foreach (var code in codes)
        {
            if (Codes.Problem(code) is { } problem)
            {
                r.Fail(path, $"'{code}' {problem}");
            }
        }
    }
}
