using System.Buffers;

namespace EventAuth.Domain.Login;

/// <summary>Makes text of an IdP fit for events, logs and pages (RFC 6749 5.2 allows %x20-21, %x23-5B, %x5D-7E).</summary>
public static class OAuthText
{
    /// <summary>Stands for an error code that is no code.</summary>
    public const string UnreadableError = "unreadable_error";

    private const int MaxErrorLength = 64;

    private static readonly SearchValues<char> CodeCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/");

    /// <summary>The code as it is when it looks like one; anything else becomes <see cref="UnreadableError"/>.</summary>
    public static string ErrorCode(string? error) =>
        error is { Length: > 0 and <= MaxErrorLength } && !error.AsSpan().ContainsAnyExcept(CodeCharacters)
            ? error
            : UnreadableError;

    /// <summary>The allowed characters of the one description, cut off; null when there is none.</summary>
    internal static string? Description(IReadOnlyList<string> descriptions, int limit)
    {
        if (descriptions is not [{ Length: > 0 } text])
        {
            return null;
        }

        var cut = text.AsSpan(0, Math.Min(text.Length, limit)).ToString();
        return string.Concat(cut.Select(c => c is >= ' ' and <= '~' and not ('"' or '\\') ? c : ' '));
    }
}
