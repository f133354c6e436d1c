using System.Buffers;
using System.Buffers.Text;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;

namespace EventAuth.Gateway.Cookies;

/// <summary>What the Cookie header holds under the session's name.</summary>
internal enum CookieReading
{
    /// <summary>Something that was never ours, or two of the name: cookie tossing from another sub-domain looks so.</summary>
    Malformed = 0,
    None,
    Found,
}

/// <summary>
/// The session cookie: one opaque value of 256 random bits in base64url, 43 characters, nothing else. Only its hash is
/// stored anywhere.
/// </summary>
internal static class SessionCookie
{
    private const int EncodedLength = 43;

    /// <summary>Reads the secret without allocating, in time linear in the header's length.</summary>
    public static CookieReading TryRead(IHeaderDictionary headers, string name, Span<byte> secret)
    {
        var reading = CookieReading.None;
        var lines = headers.Cookie;
        for (var i = 0; i < lines.Count; i++)
        {
            foreach (var range in lines[i].AsSpan().Split(';'))
            {
                var pair = lines[i].AsSpan()[range].Trim();
                if (!pair.StartsWith(name, StringComparison.Ordinal) || pair.Length <= name.Length || pair[name.Length] != '=')
                {
                    continue;
                }

                // Two cookies of one name: whichever we picked might be the attacker's.
                if (reading != CookieReading.None || !TryDecode(pair[(name.Length + 1)..], secret))
                {
                    return CookieReading.Malformed;
                }

                reading = CookieReading.Found;
            }
        }

        return reading;
    }

    public static void Set(HttpResponse response, SessionSettings settings, bool secure, ReadOnlySpan<byte> secret) =>
        response.Cookies.Append(settings.CookieName, Base64Url.EncodeToString(secret), Options(settings, secure));

    public static void Clear(HttpResponse response, SessionSettings settings, bool secure) =>
        response.Cookies.Delete(settings.CookieName, Options(settings, secure));

    private static CookieOptions Options(SessionSettings settings, bool secure) => new()
    {
        HttpOnly = true,
        Secure = secure,
        SameSite = SameSiteMode.Lax,
        Path = "/",
        Domain = settings.CookieDomain,
    };

    // Exactly 43 characters, and the one spelling that the bytes have: a changed last character must not pass.
    private static bool TryDecode(ReadOnlySpan<char> text, Span<byte> secret)
    {
        // The Try form of this call throws on a character that is not of the alphabet; the status form does not.
        if (text.Length != EncodedLength
            || Base64Url.DecodeFromChars(text, secret, out _, out var written) != OperationStatus.Done
            || written != SessionId.SecretLength)
        {
            return false;
        }

        Span<char> canonical = stackalloc char[EncodedLength];
        Base64Url.TryEncodeToChars(secret[..written], canonical, out _);
        return text.SequenceEqual(canonical);
    }
}
