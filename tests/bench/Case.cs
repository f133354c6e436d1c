namespace EventAuth.Bench;

/// <summary>One thing to measure.</summary>
/// <param name="Floor">Name of the case that it is compared with, measured in the same run; null: it is a floor itself.</param>
/// <param name="Run">Does it once; the result keeps the compiler from leaving it out.</param>
internal sealed record Case(string Name, string? Floor, Func<int> Run);
