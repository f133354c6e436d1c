using System.Security.Cryptography;

namespace EventAuth.StubIdp;

/// <summary>What one sign-in led to; all its tokens live and die together.</summary>
public sealed class StubGrant
{
    public required string Sub { get; init; }

    public required string Sid { get; init; }

    public string? Nonce { get; init; }

    public string? Challenge { get; init; }

    public string? RedirectUri { get; init; }

    public bool Dead { get; set; }
}

/// <summary>Codes, access tokens and rotating refresh tokens. Using a code or a refresh token twice kills its grant.</summary>
public sealed class StubGrants(TimeProvider clock)
{
    private const int TokenBytes = 24;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, StubGrant> _codes = [];
    private readonly Dictionary<string, StubGrant> _refreshTokens = [];
    private readonly Dictionary<string, (StubGrant Grant, DateTimeOffset Until)> _accessTokens = [];
    private readonly HashSet<string> _used = [];
    private readonly List<StubGrant> _all = [];

    public static string NewToken(string prefix) => prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));

    public string NewCode(StubGrant grant)
    {
        lock (_lock)
        {
            _all.Add(grant);
            return Add(_codes, "code-", grant);
        }
    }

    /// <summary>What a code stands for, without using it: a test learns the session's sid.</summary>
    public StubGrant? OfCode(string code)
    {
        lock (_lock)
        {
            return _codes.GetValueOrDefault(code);
        }
    }

    public StubGrant? UseCode(string? code) => Use(_codes, code, mayRepeat: false);

    public StubGrant? UseRefreshToken(string? token, bool rotates) => Use(_refreshTokens, token, mayRepeat: !rotates);

    public string NewRefreshToken(StubGrant grant)
    {
        lock (_lock)
        {
            return Add(_refreshTokens, "rt-", grant);
        }
    }

    public string NewAccessToken(StubGrant grant, TimeSpan lifetime)
    {
        lock (_lock)
        {
            var token = NewToken("at-");
            _accessTokens[token] = (grant, clock.GetUtcNow() + lifetime);
            return token;
        }
    }

    public StubGrant? OfAccessToken(string? token)
    {
        lock (_lock)
        {
            return token is not null && _accessTokens.TryGetValue(token, out var found) && !found.Grant.Dead && clock.GetUtcNow() < found.Until
                ? found.Grant
                : null;
        }
    }

    /// <summary>Kills the grant of a token of any kind.</summary>
    public void Revoke(string? token)
    {
        lock (_lock)
        {
            if (token is not null && (_refreshTokens.GetValueOrDefault(token) ?? _accessTokens.GetValueOrDefault(token).Grant) is { } grant)
            {
                grant.Dead = true;
            }
        }
    }

    /// <summary>Kills every grant of a person, or of one of their sessions.</summary>
    public void Withdraw(string sub, string? sid = null)
    {
        lock (_lock)
        {
            _all.Where(g => g.Sub == sub && (sid is null || g.Sid == sid)).ToList().ForEach(g => g.Dead = true);
        }
    }

    private StubGrant? Use(Dictionary<string, StubGrant> tokens, string? token, bool mayRepeat)
    {
        lock (_lock)
        {
            if (token is null || !tokens.TryGetValue(token, out var grant))
            {
                return null;
            }

            if (!_used.Add(token) && !mayRepeat)
            {
                grant.Dead = true;
            }

            return grant.Dead ? null : grant;
        }
    }

    private static string Add(Dictionary<string, StubGrant> tokens, string prefix, StubGrant grant)
    {
        var token = NewToken(prefix);
        tokens[token] = grant;
        return token;
    }
}
