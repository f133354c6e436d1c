using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace EventAuth.Adapters.Telemetry;

/// <summary>
/// Collects our meter's measurements and writes them in the Prometheus text format 0.0.4. No exporter package restores from
/// the registries this project builds from; replace this class when one does.
/// </summary>
public sealed class PrometheusText : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);

    /// <param name="meter">This very meter: another one of the same name belongs to another service in the process.</param>
    public PrometheusText(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Record(i, value, tags));
        _listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Record(i, value, tags));
        _listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Record(i, value, tags));
        _listener.Start();
    }

    public string Write()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        lock (_lock)
        {
            foreach (var (name, family) in _families)
            {
                text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {family.Help}\n# TYPE {name} {family.Type}\n");
                foreach (var (labels, series) in family.Series)
                {
                    series.Write(text, name, labels);
                }
            }
        }

        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        lock (_lock)
        {
            if (!_families.TryGetValue(instrument.Name, out var family))
            {
                _families[instrument.Name] = family = Family.Of(instrument);
            }

            if (!family.Series.TryGetValue(labels, out var series))
            {
                family.Series[labels] = series = new Series(family.Bounds);
            }

            series.Record(value, family.Type, instrument.IsObservable);
        }
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            var escaped = value?.ToString()?.Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
            text.Append(text.Length == 0 ? "" : ",").Append(key.Replace('.', '_')).Append("=\"").Append(escaped).Append('"');
        }

        return text.ToString();
    }

    private sealed record Family(string Type, string Help, IReadOnlyList<double>? Bounds, SortedDictionary<string, Series> Series)
    {
        public static Family Of(Instrument instrument)
        {
            var type = instrument switch
            {
                Histogram<double> => "histogram",
                Counter<long> or ObservableCounter<long> => "counter",
                _ => "gauge",
            };
            var bounds = (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries;
            return new Family(type, instrument.Description ?? "", bounds, new SortedDictionary<string, Series>(StringComparer.Ordinal));
        }
    }

    private sealed class Series(IReadOnlyList<double>? bounds)
    {
        private readonly long[] _buckets = new long[bounds?.Count ?? 0];
        private double _value;
        private long _count;

        public void Record(double value, string type, bool observable)
        {
            // What is observed is the whole; what is added or recorded comes on top.
            _value = observable || type == "gauge" ? value : _value + value;
            _count++;
            for (var i = 0; i < _buckets.Length; i++)
            {
                _buckets[i] += value <= bounds![i] ? 1 : 0;
            }
        }

        public void Write(StringBuilder text, string name, string labels)
        {
            if (bounds is null)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}{Braced(labels)} {_value}\n");
                return;
            }

            var comma = labels.Length == 0 ? "" : ",";
            for (var i = 0; i < _buckets.Length; i++)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels}{comma}le=\"{bounds[i]}\"}} {_buckets[i]}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {_count}\n");
            text.Append(CultureInfo.InvariantCulture, $"{name}_sum{Braced(labels)} {_value}\n{name}_count{Braced(labels)} {_count}\n");
        }

        private static string Braced(string labels) => labels.Length == 0 ? "" : $"{{{labels}}}";
    }
}
