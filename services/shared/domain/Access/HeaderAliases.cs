using System.Buffers;
using EventAuth.Contracts;

namespace EventAuth.Domain.Access;

/// <summary>
/// Finds headers that are none of ours by name, but become ours in applications that turn <c>_</c>, <c>.</c> or any other
/// separator that a header name may have (<c>~ ! + …</c>, RFC 9110 5.6.2) into one and the same (CGI, WSGI, PHP): proxies
/// replace the real name only (CVE-2025-64484, CVE-2026-88011).
/// </summary>
public static class HeaderAliases
{
    private const string Forwarded = "X-Forwarded-";

    private static readonly SearchValues<char> Plain =
        SearchValues.Create("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // Beside our own: names that applications commonly trust and that no client has business to spell otherwise.
    private static readonly string[] Names =
    [
        .. IdentityHeaders.All.Where(n => !n.StartsWith(Forwarded, StringComparison.OrdinalIgnoreCase)),
        "X-Real-Ip", "X-User", "Remote-User",
    ];

    /// <summary>True when an application may take the header for one of ours.</summary>
    public static bool IsAlias(string headerName)
    {
        ArgumentNullException.ThrowIfNull(headerName);
        return headerName.AsSpan().ContainsAnyExcept(Plain) && IsTaken(headerName);
    }

    private static bool IsTaken(ReadOnlySpan<char> name)
    {
        if (name.Length >= Forwarded.Length && Collapses(name[..Forwarded.Length], Forwarded))
        {
            return true;
        }

        foreach (var taken in Names)
        {
            if (Collapses(name, taken))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Collapses(ReadOnlySpan<char> name, ReadOnlySpan<char> taken)
    {
        if (name.Length != taken.Length)
        {
            return false;
        }

        for (var i = 0; i < name.Length; i++)
        {
            var c = Plain.Contains(name[i]) ? char.ToLowerInvariant(name[i]) : '-';
            if (c != char.ToLowerInvariant(taken[i]))
            {
                return false;
            }
        }

        return true;
    }
}
