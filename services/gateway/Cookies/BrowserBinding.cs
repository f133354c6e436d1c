using System.Globalization;
using System.Security.Cryptography;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using Microsoft.Extensions.Primitives;

namespace EventAuth.Gateway.Cookies;

/// <summary>
/// The cookie that ties pending logins to the browser which began them (RFC 9700 4.7). One for all tabs, so that parallel
/// logins do not overwrite each other. It also remembers how many logins the browser has been through just now: whoever
/// is asked to sign in again right after signing in, five times a minute, goes in circles.
/// </summary>
internal sealed class BrowserBinding
{
    private const string Name = "eventauth-login";
    private const int SecretLength = 32;
    private const int SecretTextLength = 43;
    private const int MaxRounds = 5;
    private const int LifetimeSeconds = 600;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(60);

    private readonly string _secret;
    private readonly int _rounds;
    private readonly DateTimeOffset _since;

    private BrowserBinding(string secret, int rounds, DateTimeOffset since)
    {
        _secret = secret;
        _rounds = rounds;
        _since = since;
        Hash = KeyHash.Of("login-binding", secret);
    }

    /// <summary>What is stored of the secret.</summary>
    public Guid Hash { get; }

    /// <summary>A new one for a browser without.</summary>
    public static BrowserBinding Fresh(DateTimeOffset now) =>
        new(Base64Url(RandomNumberGenerator.GetBytes(SecretLength)), 0, now);

    /// <summary>The one the browser brought; null when there is none, it is malformed, or there are two of that name.</summary>
    public static BrowserBinding? Read(IHeaderDictionary headers, EventAuthSettings settings)
    {
        var name = CookieName(settings);
        string? found = null;
        foreach (var line in headers.Cookie)
        {
            foreach (var part in new StringTokenizer(line ?? "", [';']))
            {
                var cookie = part.Trim();
                if (cookie.Length <= name.Length || cookie[name.Length] != '=' || !cookie.StartsWith(name, StringComparison.Ordinal))
                {
                    continue;
                }

                if (found is not null)
                {
                    // A neighbour of the domain may have tossed one of them in: there is no rule by which to choose.
                    return null;
                }

                found = cookie.Substring(name.Length + 1);
            }
        }

        return Parse(found);
    }

    /// <summary>The browser has been through one more login.</summary>
    public BrowserBinding AnotherRound(DateTimeOffset now) =>
        IsRecent(now) ? new(_secret, Math.Min(_rounds + 1, 99), _since) : new(_secret, 1, now);

    /// <summary>Whether a further login would end like the ones before.</summary>
    public bool GoesInCircles(DateTimeOffset now) => _rounds >= MaxRounds && IsRecent(now);

    /// <summary>Whether this browser began the login; compared without telling how much is equal.</summary>
    public bool Began(Guid bindingHash)
    {
        Span<byte> mine = stackalloc byte[16];
        Span<byte> theirs = stackalloc byte[16];
        return Hash.TryWriteBytes(mine) && bindingHash.TryWriteBytes(theirs) && CryptographicOperations.FixedTimeEquals(mine, theirs);
    }

    /// <summary>Gives it to the browser for ten more minutes.</summary>
    public void Set(HttpResponse response, EventAuthSettings settings)
    {
        var value = string.Create(CultureInfo.InvariantCulture, $"{_secret}.{_rounds}.{_since.ToUnixTimeSeconds()}");
        response.Headers.Append("Set-Cookie", $"{CookieName(settings)}={value}; Max-Age={LifetimeSeconds}{Attributes(settings)}");
    }

    /// <summary>Takes it from the browser, with the attributes it was given with.</summary>
    public static void Clear(HttpResponse response, EventAuthSettings settings) =>
        response.Headers.Append("Set-Cookie", $"{CookieName(settings)}=; Max-Age=0{Attributes(settings)}");

    /// <summary>Shows no secret.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"binding, {_rounds} rounds");

    private bool IsRecent(DateTimeOffset now) => (now - _since).Duration() <= Window;

    private static BrowserBinding? Parse(string? text)
    {
        var parts = text?.Split('.') ?? [];
        return parts.Length == 3
            && parts[0].Length == SecretTextLength && parts[0].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) && rounds <= 99
            && parts[2].Length <= 11
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var since)
            ? new BrowserBinding(parts[0], rounds, DateTimeOffset.FromUnixTimeSeconds(since))
            : null;
    }

    // The same prefixes as the session's cookie has, for the same reasons (SettingsRules).
    private static string CookieName(EventAuthSettings settings) => (IsSecure(settings), settings.Session.CookieDomain) switch
    {
        (false, _) => Name,
        (true, null) => "__Host-" + Name,
        (true, _) => "__Secure-" + Name,
    };

    // Lax: the IdP sends the browser back by a top-level GET from another site.
    private static string Attributes(EventAuthSettings settings) =>
        (settings.Session.CookieDomain is { } domain ? $"; Domain={domain}" : "")
        + "; Path=/" + (IsSecure(settings) ? "; Secure" : "") + "; HttpOnly; SameSite=Lax";

    private static bool IsSecure(EventAuthSettings settings) => settings.PublicUrl.Scheme == Uri.UriSchemeHttps;

    private static string Base64Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
