using System.Buffers;

namespace EventAuth.Domain.Access;

/// <summary>
/// The plain form of an e-mail address. Quoted local parts, comments and international addresses are legal and refused:
/// readers differ about where their domain begins.
/// </summary>
internal static class EmailAddress
{
    private const int MaxLength = 254;
    private static readonly SearchValues<char> Local =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.");

    private static readonly SearchValues<char> Domain =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");

    /// <summary>The domain of an address with exactly one '@'.</summary>
    public static bool TryReadDomain(ReadOnlySpan<char> address, out ReadOnlySpan<char> domain)
    {
        domain = default;
        if (address.Length > MaxLength
            || address.IndexOf('@') is not (> 0 and var at)
            || address[..at].ContainsAnyExcept(Local))
        {
            return false;
        }

        domain = address[(at + 1)..];
        return IsDomain(domain);
    }

    public static bool IsDomain(ReadOnlySpan<char> text) =>
        !text.IsEmpty
        && !text.ContainsAnyExcept(Domain)
        && text[0] is not '.'
        && text[^1] is not '.'
        && text.IndexOf("..") < 0;
}
