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

    /// <summary>How often its refresh tokens were used, with or without success.</summary>
    public int Refreshes { get; set; }

    /// <summary>When it last gave out tokens.</summary>
    public DateTimeOffset IssuedAt { get; set; }

    /// <summary>Whether a used token came back, which looks like theft.</summary>
    public bool Reused { get; set; }
}

/// <summary>Codes, access tokens and rotating refresh tokens. Using a code or a refresh token twice kills its grant.</summary>
public sealed class StubGrants(TimeProvider clock)
{
    private const int TokenBytes = 24;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, StubGrant> _codes = [];
    private readonly Dictionary<string, StubGrant> _refreshTokens = [];
    private readonly Dictionary<string, (StubGrant Grant, DateTimeOffset Until)> _accessTokens = [];
    private readonly Dictionary<string, DateTimeOffset> _used = [];
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

    /// <summary>See <see cref="StubOptions.RetryWindow"/>.</summary>
    public TimeSpan RetryWindow { get; set; }

    /// <summary>As they are now, by the sid of their session.</summary>
    public IReadOnlyDictionary<string, StubGrant> All
    {
        get
        {
            lock (_lock)
            {
                return _all.ToDictionary(g => g.Sid);
            }
        }
    }

    public StubGrant? UseCode(string? code) => Use(_codes, code, TimeSpan.Zero);

    public StubGrant? UseRefreshToken(string? token, bool rotates)
    {
        lock (_lock)
        {
            if (token is not null && _refreshTokens.TryGetValue(token, out var grant))
            {
                grant.Refreshes++;
            }

            return Use(_refreshTokens, token, rotates ? RetryWindow : TimeSpan.MaxValue);
        }
    }

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
            grant.IssuedAt = clock.GetUtcNow();
            _accessTokens[token] = (grant, grant.IssuedAt + lifetime);
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

    /// <summary>A refresh token takes its grant with it, as at most IdPs; an access token only itself (RFC 7009, 2.1).</summary>
    public void Revoke(string? token)
    {
        lock (_lock)
        {
            if (token is not null && !_accessTokens.Remove(token) && _refreshTokens.TryGetValue(token, out var grant))
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

    private StubGrant? Use(Dictionary<string, StubGrant> tokens, string? token, TimeSpan mayRepeat)
    {
        lock (_lock)
        {
            if (token is null || !tokens.TryGetValue(token, out var grant))
            {
                return null;
            }

            var now = clock.GetUtcNow();
            if (!_used.TryAdd(token, now) && now - _used[token] >= mayRepeat)
            {
                (grant.Dead, grant.Reused) = (true, true);
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
