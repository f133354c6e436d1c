using EventAuth.Domain.Refresh;

namespace EventAuth.Adapters.Refresh;

/// <summary>How a failed attempt is told to the replicas that waited for it: by the token row, as <c>KIND CODE</c>.</summary>
internal static class SharedFailure
{
    private const string Misconfigured = "misconfigured";
    private const string Unavailable = "unavailable";

    /// <summary>Null for a verdict on the person: whoever may act on that has asked for themselves.</summary>
    public static string? Of(ProviderAnswer answer) => answer switch
    {
        ProviderAnswer.Misconfigured m => $"{Misconfigured} {m.Code}",
        ProviderAnswer.Unavailable u => $"{Unavailable} {u.Code}",
        _ => null,
    };

    public static ProviderAnswer Read(string failure) => failure.Split(' ', 2) switch
    {
        [Misconfigured, var code] => new ProviderAnswer.Misconfigured(code),
        [_, var code] => new ProviderAnswer.Unavailable(code, null),
        _ => new ProviderAnswer.Unavailable(failure, null),
    };
}
