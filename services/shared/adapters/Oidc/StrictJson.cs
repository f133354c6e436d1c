using System.Text.Json;
using System.Text.Unicode;

namespace EventAuth.Adapters.Oidc;

/// <summary>
/// Reads JSON of others so that it can mean one thing only: valid UTF-8, no member twice at any level, at most 16 deep,
/// no lone surrogates. What passes can be read with <see cref="JsonElement"/> without further exceptions.
/// </summary>
public static class StrictJson
{
    /// <summary>Deepest nesting.</summary>
    public const int MaxDepth = 16;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    /// <summary>Parses one JSON value; false for everything that is not strict.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out JsonElement root)
    {
        root = default;
        if (!Utf8.IsValid(utf8))
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(utf8.ToArray(), Options);
            ReadAllText(document.RootElement);
            root = document.RootElement.Clone();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
        catch (InvalidOperationException)
        {
            // A string or a member's name with half of a surrogate pair: no text.
            return false;
        }
    }

    /// <summary>Parses one JSON object.</summary>
    public static bool TryParseObject(ReadOnlySpan<byte> utf8, out JsonElement root) =>
        TryParse(utf8, out root) && root.ValueKind == JsonValueKind.Object;

    // Names are unescaped by the enumeration, strings by GetString; both throw for text that is none.
    private static void ReadAllText(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    _ = member.Name;
                    ReadAllText(member.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    ReadAllText(item);
                }

                break;
            case JsonValueKind.String:
                _ = element.GetString();
                break;
        }
    }
}
