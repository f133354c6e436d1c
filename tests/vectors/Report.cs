namespace EventAuth.Vectors;

/// <summary>A case whose answer is not the expected one, or that could not be understood.</summary>
internal sealed record Deviation(string File, string Id, string Expected, string Seen);

/// <summary>Counts what was judged and says each deviation when it is found.</summary>
internal sealed class Report(TextWriter output)
{
    private readonly Lock _lock = new();
    private readonly List<Deviation> _deviations = [];
    private readonly Dictionary<string, (int Passed, int Failed)> _files = [];

    public int Passed => _files.Values.Sum(f => f.Passed);

    public IReadOnlyList<Deviation> Deviations => _deviations;

    /// <summary>One judgement; right when nothing speaks against it.</summary>
    public void Judge(string file, string id, string expected, IEnumerable<string> against)
    {
        var seen = string.Join("; ", against);
        lock (_lock)
        {
            var (passed, failed) = _files.GetValueOrDefault(file);
            _files[file] = seen.Length == 0 ? (passed + 1, failed) : (passed, failed + 1);
            if (seen.Length > 0)
            {
                _deviations.Add(new Deviation(file, id, expected, seen));
                output.WriteLine($"{file} {id}: expected {Line(expected)}; seen {Line(seen)}");
            }
        }
    }

    /// <summary>Something that counts neither way.</summary>
    public void Note(string file, string text)
    {
        lock (_lock)
        {
            output.WriteLine($"{file}: {text}");
        }
    }

    /// <summary>What came of one file.</summary>
    public void Sum(string file, string what)
    {
        var (passed, failed) = _files.GetValueOrDefault(file);
        Note(file, $"{what}: {passed} passed, {failed} failed");
    }

    /// <summary>The last line.</summary>
    public void Finish()
    {
        lock (_lock)
        {
            output.WriteLine($"{Passed} passed, {_deviations.Count} failed");
        }
    }

    private static string Line(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
}
