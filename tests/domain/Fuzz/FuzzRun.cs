using System.Globalization;

namespace EventAuth.Domain.Tests.Fuzz;

/// <summary>
/// How much and from which seed: <c>EVENTAUTH_FUZZ_ROUNDS</c> multiplies the usual number of inputs, <c>EVENTAUTH_FUZZ_SEED</c>
/// chooses others, which a failure tells. Without it every run has the same, so that a change is judged by itself;
/// <c>tests/run --long</c> draws a seed.
/// </summary>
internal static class FuzzRun
{
    private static readonly ulong Seed = ulong.TryParse(
        Environment.GetEnvironmentVariable("EVENTAUTH_FUZZ_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out var seed)
        ? seed
        : 1;

    private static readonly double Factor = double.TryParse(
        Environment.GetEnvironmentVariable("EVENTAUTH_FUZZ_ROUNDS"), NumberStyles.Float, CultureInfo.InvariantCulture, out var factor)
        ? factor
        : 1;

    /// <summary>Makes so many inputs and hands each on; what goes wrong is told with the input and the seed.</summary>
    /// <param name="corpus">What the mutator splices with, and <see cref="Mutator.Text"/> begins with.</param>
    public static void Run(int rounds, IReadOnlyList<string> corpus, Func<Mutator, string> next, Action<string> check)
    {
        var mutator = new Mutator(Seed, corpus);
        for (var round = 0; round < rounds * Factor; round++)
        {
            var input = next(mutator);
            try
            {
                check(input);
            }
            catch (Exception e)
            {
                throw Failure(round, input, e);
            }
        }
    }

    /// <summary>The same, for what waits: several inputs are on their way at once.</summary>
    public static async Task RunAsync(int rounds, IReadOnlyList<string> corpus, Func<Mutator, string> next, Func<string, Task> check)
    {
        var mutator = new Mutator(Seed, corpus);
        var inputs = Enumerable.Range(0, (int)(rounds * Factor)).Select(round => (round, next(mutator)));
        await Parallel.ForEachAsync(inputs, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (one, _) =>
        {
            try
            {
                await check(one.Item2);
            }
            catch (Exception e)
            {
                throw Failure(one.round, one.Item2, e);
            }
        });
    }

    private static Xunit.Sdk.XunitException Failure(int round, string input, Exception e) =>
        new($"EVENTAUTH_FUZZ_SEED={Seed}, round {round}: {e.GetType().Name}: {e.Message}\ninput: {System.Text.Json.JsonSerializer.Serialize(input)}", e);
}
