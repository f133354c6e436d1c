namespace EventAuth.Guarantee.Faults;

/// <summary>Waiting that ends early instead of throwing: whoever breaks something must get to heal it.</summary>
internal static class Pause
{
    public static async Task ForAsync(TimeSpan time, CancellationToken ct) =>
        await Task.Delay(time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
