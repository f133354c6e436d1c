using System.Diagnostics;

namespace EventAuth.Services.Tests.Harness;

/// <summary>Waits for a condition with a deadline, never for a time.</summary>
internal static class Until
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static Task TrueAsync(string what, Func<bool> condition) => TrueAsync(what, () => Task.FromResult(condition()));

    /// <param name="deadline">Instead of the usual one, where a promise is tested or something slow is started.</param>
    public static async Task TrueAsync(string what, Func<Task<bool>> condition, TimeSpan? deadline = null)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < (deadline ?? Deadline), $"waited in vain until {what}");
            await Task.Delay(10);
        }
    }
}
