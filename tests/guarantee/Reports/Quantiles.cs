using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Reports;

/// <summary>Times in milliseconds, sorted.</summary>
internal sealed class Quantiles(IEnumerable<long> nanoseconds)
{
    private readonly double[] _sorted = [.. nanoseconds.Order().Select(Monotonic.ToMilliseconds)];

    public IReadOnlyList<double> Sorted => _sorted;

    public double Max => _sorted is [.., var last] ? last : 0;

    /// <summary>The smallest time that so large a part of all does not exceed; 0 when there are none.</summary>
    public double At(double part) => _sorted.Length == 0 ? 0 : _sorted[Math.Clamp((int)Math.Ceiling(part * _sorted.Length) - 1, 0, _sorted.Length - 1)];
}
