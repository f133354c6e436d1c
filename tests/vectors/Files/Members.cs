using System.Text.Json;

namespace EventAuth.Vectors.Files;

/// <summary>
/// One JSON object of a vector file, which remembers what was asked for: whatever nobody asked for was not understood, and
/// is said, because a case that is half read proves nothing. Shapes that are not the expected ones are said as well.
/// </summary>
internal sealed class Members
{
    private readonly JsonElement _element;
    private readonly string _path;
    private readonly List<string> _problems;
    private readonly HashSet<string> _known = [];
    private readonly Dictionary<string, Members> _children = [];

    public Members(JsonElement element)
        : this(element, "", [])
    {
    }

    private Members(JsonElement element, string path, List<string> problems)
    {
        (_element, _path, _problems) = (element, path, problems);
        if (element.ValueKind != JsonValueKind.Object)
        {
            Say("is no object");
        }
    }

    /// <summary>As it stands in the file.</summary>
    public JsonElement Raw => _element;

    public IEnumerable<string> Names => _element.ValueKind == JsonValueKind.Object ? _element.EnumerateObject().Select(m => m.Name) : [];

    public bool Has(string name) => Find(name) is not null;

    /// <summary>A text; null when it is absent or null.</summary>
    public string? Text(string name) => Find(name) switch
    {
        null or { ValueKind: JsonValueKind.Null } => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => Wrong<string>(name, "no text"),
    };

    public int? Number(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out var value) => value,
        _ => Wrong<int?>(name, "no whole number"),
    };

    public bool Flag(string name) => Find(name) switch
    {
        null or { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.True } => true,
        _ => Wrong<bool>(name, "neither true nor false"),
    };

    public IReadOnlyList<int> Numbers(string name) => [.. Items(name).Select(e => e.TryGetInt32(out var n) ? n : Wrong<int>(name, "a list of other things than numbers"))];

    public IReadOnlyList<string> Texts(string name) =>
        [.. Items(name).Select(e => e.ValueKind == JsonValueKind.String ? e.GetString()! : Wrong<string>(name, "a list of other things than texts") ?? "")];

    public Members? Object(string name)
    {
        if (Find(name) is not { } element)
        {
            return null;
        }

        if (!_children.TryGetValue(name, out var child))
        {
            child = _children[name] = new Members(element, Path(name), _problems);
        }

        return child;
    }

    /// <summary>All members of an object with texts in it, header lines for example.</summary>
    public IReadOnlyList<(string Name, string Value)> Pairs(string name)
    {
        if (Object(name) is not { } inner || inner._element.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        return
        [
            .. inner._element.EnumerateObject().SelectMany(m => m.Value.ValueKind == JsonValueKind.Array
                ? inner.Texts(m.Name).Select(v => (m.Name, v))
                : [(m.Name, inner.Text(m.Name) ?? "")]),
        ];
    }

    /// <summary>Said for people: nothing follows from it.</summary>
    public Members Ignore(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            _known.Add(name);
        }

        return this;
    }

    /// <summary>Something in this object that we cannot do justice to.</summary>
    public void Say(string problem) => _problems.Add(_path.Length == 0 ? problem : $"{_path} {problem}");

    /// <summary>Everything that was not understood; empty when the whole object was.</summary>
    public IReadOnlyList<string> Problems()
    {
        SayUnread();
        return [.. _problems.Distinct()];
    }

    private void SayUnread()
    {
        if (_element.ValueKind == JsonValueKind.Object)
        {
            foreach (var name in _element.EnumerateObject().Select(m => m.Name).Where(n => !_known.Contains(n)))
            {
                _problems.Add($"member {Path(name)} is not understood");
            }
        }

        foreach (var child in _children.Values)
        {
            child.SayUnread();
        }
    }

    private IEnumerable<JsonElement> Items(string name) => Find(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } list => list.EnumerateArray(),
        _ => Wrong<IEnumerable<JsonElement>>(name, "no list") ?? [],
    };

    private JsonElement? Find(string name)
    {
        _known.Add(name);
        return _element.ValueKind == JsonValueKind.Object && _element.TryGetProperty(name, out var member) ? member : null;
    }

    private T? Wrong<T>(string name, string what)
    {
        _problems.Add($"member {Path(name)} is {what}");
        return default;
    }

    private string Path(string name) => _path.Length == 0 ? name : $"{_path}.{name}";
}
