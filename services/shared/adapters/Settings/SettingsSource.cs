using System.Collections;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EventAuth.Adapters.Settings;

/// <summary>The file, or what is wrong with it; every finding at once, each with the setting's name.</summary>
public sealed class SettingsException(IReadOnlyList<string> errors)
    : Exception("The configuration is not usable:\n" + string.Join("\n", errors.Select(e => "  - " + e)))
{
    public IReadOnlyList<string> Errors { get; } = errors;
}

/// <summary>
/// Raw settings by path (<c>providers.0.issuer</c>): the YAML file, then environment twins
/// (<c>EVENTAUTH__PROVIDERS__0__ISSUER</c>, or a whole list with commas) over it. Paths don't tell case apart.
/// </summary>
public static class SettingsSource
{
    private const string Prefix = "EVENTAUTH__";

    public static Dictionary<string, string> Load(string? file, IDictionary environment)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (file is not null)
        {
            AddFile(values, file);
        }

        var twins = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry entry in environment)
        {
            if (entry.Key is string name && name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                twins[name[Prefix.Length..].Replace("__", ".", StringComparison.Ordinal)] = (string?)entry.Value ?? "";
            }
        }

        foreach (var path in twins.Keys)
        {
            HideItems(values, path);
        }

        foreach (var (path, value) in twins)
        {
            values[path] = value;
        }

        return values;
    }

    // The twin of a whole list replaces the file's. Items that are sections (rules, providers) have longer paths and stay.
    private static void HideItems(Dictionary<string, string> values, string path)
    {
        for (var i = 0; values.Remove($"{path}.{i.ToString(CultureInfo.InvariantCulture)}"); i++)
        {
        }
    }

    private static void AddFile(Dictionary<string, string> values, string file)
    {
        var yaml = new YamlStream();
        try
        {
            using var text = File.OpenText(file);
            yaml.Load(text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or YamlException)
        {
            throw new SettingsException([$"{file}: {e.Message}"]);
        }

        if (yaml.Documents is [{ RootNode: YamlMappingNode root }])
        {
            Flatten(values, "", root);
        }
        else if (yaml.Documents.Count > 0)
        {
            throw new SettingsException([$"{file}: expected one document with settings"]);
        }
    }

    private static void Flatten(Dictionary<string, string> values, string path, YamlNode node)
    {
        switch (node)
        {
            case YamlScalarNode scalar:
                values[path] = scalar.Value ?? "";
                break;
            case YamlSequenceNode { Children.Count: 0 }:
                values[path] = "";
                break;
            case YamlSequenceNode sequence:
                for (var i = 0; i < sequence.Children.Count; i++)
                {
                    Flatten(values, $"{path}.{i}", sequence.Children[i]);
                }

                break;
            case YamlMappingNode mapping:
                foreach (var (key, value) in mapping.Children)
                {
                    var name = ((YamlScalarNode)key).Value;
                    Flatten(values, path.Length == 0 ? $"{name}" : $"{path}.{name}", value);
                }

                break;
        }
    }
}
