using System.Collections;
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
/// (<c>EVENTAUTH__PROVIDERS__0__ISSUER</c>) over it. Paths don't tell case apart.
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

        foreach (DictionaryEntry entry in environment)
        {
            if (entry.Key is string name && name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                values[name[Prefix.Length..].Replace("__", ".", StringComparison.Ordinal)] = (string?)entry.Value ?? "";
            }
        }

        return values;
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
