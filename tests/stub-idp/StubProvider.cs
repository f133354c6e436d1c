using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace EventAuth.StubIdp;

/// <summary>
/// An OpenID provider for tests, on 127.0.0.1: real code flow with PKCE, rotating refresh tokens, userinfo, revocation,
/// end_session and logout tokens. Every endpoint can be told to answer something else.
/// </summary>
public sealed class StubProvider : IAsyncDisposable
{
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromMinutes(2);

    private readonly ConcurrentDictionary<StubEndpoint, ConcurrentQueue<StubAnswer>> _next = new();
    private readonly ConcurrentDictionary<StubEndpoint, StubAnswer> _always = new();
    private readonly ConcurrentDictionary<string, StubUser> _users = new();
    private readonly HttpClient _http = new();
    private readonly WebApplication _app;

    private StubProvider(StubOptions options, WebApplication app)
    {
        Options = options;
        BackchannelLogout = options.BackchannelLogout;
        Grants = new StubGrants(options.Clock) { RetryWindow = options.RetryWindow };
        _app = app;
    }

    public StubOptions Options { get; }

    public string Issuer { get; private set; } = "";

    public StubLog Log { get; } = new();

    public StubKeys SigningKeys { get; } = new();

    public StubGrants Grants { get; }

    /// <summary>Where end_session sends a logout token before it answers the browser.</summary>
    public Uri? BackchannelLogout { get; set; }

    public StubDeviations Deviations { get; private set; } = new();

    /// <summary>Who is signed in in every browser; null: the person says no.</summary>
    internal StubUser? Current { get; private set; }

    public static async Task<StubProvider> StartAsync(StubOptions? options = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{options?.Port ?? 0}");
        var app = builder.Build();
        var idp = new StubProvider(options ?? new StubOptions(), app);
        var endpoints = new StubEndpoints(idp);
        app.Run(endpoints.HandleAsync);
        await app.StartAsync();
        idp.Issuer = app.Urls.Single();
        return idp;
    }

    /// <summary>The next sign-in, without a question, is this person's.</summary>
    public void SignInAs(StubUser? user)
    {
        Current = user;
        if (user is not null)
        {
            Change(user);
        }
    }

    /// <summary>From now on this is told of the person.</summary>
    public void Change(StubUser user) => _users[user.Sub] = user;

    /// <summary>The next answers of an endpoint, one after the other; then the truth again.</summary>
    public void Script(StubEndpoint endpoint, params StubAnswer[] answers)
    {
        var queue = _next.GetOrAdd(endpoint, _ => new ConcurrentQueue<StubAnswer>());
        Array.ForEach(answers, queue.Enqueue);
    }

    /// <summary>Every answer of an endpoint until <see cref="Heal"/>.</summary>
    public void Always(StubEndpoint endpoint, StubAnswer answer) => _always[endpoint] = answer;

    /// <summary>The truth again.</summary>
    public void Heal(StubEndpoint endpoint)
    {
        _always.TryRemove(endpoint, out _);
        _next.TryRemove(endpoint, out _);
    }

    /// <summary>No deviations and nothing scripted from now on.</summary>
    public void TellTheTruth()
    {
        Deviations = new StubDeviations();
        _always.Clear();
        _next.Clear();
    }

    public void RotateKeys(bool keepOld = true) => SigningKeys.Rotate(keepOld);

    /// <summary>The IdP takes back what it said of a person: refresh fails, userinfo answers 401.</summary>
    public void Withdraw(string sub) => Grants.Withdraw(sub);

    /// <summary>A signed logout token (Back-Channel Logout 1.0, 2.4).</summary>
    /// <param name="change">Makes it wrong in the way the test needs.</param>
    public string LogoutToken(string? sub, string? sid, Action<JsonObject>? change = null)
    {
        var claims = Claims(TokenLifetime);
        claims["jti"] = StubGrants.NewToken("lt-");
        claims["events"] = new JsonObject { ["http://schemas.openid.net/event/backchannel-logout"] = new JsonObject() };
        Set(claims, "sub", sub);
        Set(claims, "sid", sid);
        change?.Invoke(claims);
        return SigningKeys.Sign(claims, "logout+jwt");
    }

    /// <summary>Sends a logout token as an IdP does; the answer's status.</summary>
    public Task<int> SendLogoutTokenAsync(Uri to, string? sub, string? sid, CancellationToken ct) =>
        PostLogoutTokenAsync(to, LogoutToken(sub, sid), ct);

    /// <summary>Sends any text as a logout token.</summary>
    public async Task<int> PostLogoutTokenAsync(Uri to, string token, CancellationToken ct)
    {
        using var content = new FormUrlEncodedContent([new("logout_token", token)]);
        using var response = await _http.PostAsync(to, content, ct);
        return (int)response.StatusCode;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _http.Dispose();
        SigningKeys.Dispose();
    }

    internal StubAnswer? Scripted(StubEndpoint endpoint) =>
        _next.TryGetValue(endpoint, out var queue) && queue.TryDequeue(out var answer) ? answer : _always.GetValueOrDefault(endpoint);

    internal string IdToken(StubGrant grant, string accessTokenHash, bool withNonce)
    {
        var claims = Claims(TokenLifetime);
        claims["sub"] = grant.Sub;
        claims["sid"] = grant.Sid;
        claims["at_hash"] = accessTokenHash;
        Set(claims, "nonce", withNonce ? grant.Nonce : null);
        Describe(claims, grant.Sub);
        var d = Deviations;
        d.BeforeSigning?.Invoke();
        d.Claims?.Invoke(claims);
        return d.IdToken ?? SigningKeys.Sign(claims, type: null, d.Signature, d.Header, Options.ClientSecret);
    }

    internal JsonObject UserInfo(StubGrant grant)
    {
        var claims = new JsonObject { ["sub"] = grant.Sub };
        Describe(claims, grant.Sub);
        Deviations.UserInfo?.Invoke(claims);
        return claims;
    }

    private JsonObject Claims(TimeSpan lifetime)
    {
        var now = Options.Clock.GetUtcNow().ToUnixTimeSeconds();
        return new JsonObject
        {
            ["iss"] = Issuer,
            ["aud"] = Options.ClientId,
            ["iat"] = now,
            ["exp"] = now + (long)lifetime.TotalSeconds,
        };
    }

    private void Describe(JsonObject claims, string sub)
    {
        if (_users.GetValueOrDefault(sub) is not { } user)
        {
            return;
        }

        Set(claims, "email", user.Email);
        if (user is { Email: not null, EmailVerified: { } verified })
        {
            claims["email_verified"] = verified;
        }

        Set(claims, "name", user.Name);
        if (user.Groups is not null)
        {
            claims["groups"] = new JsonArray([.. user.Groups.Select(g => JsonValue.Create(g))]);
        }

        if (user.Roles is not null)
        {
            claims["roles"] = new JsonArray([.. user.Roles.Select(r => JsonValue.Create(r))]);
        }
    }

    private static void Set(JsonObject claims, string name, string? value)
    {
        if (value is not null)
        {
            claims[name] = value;
        }
    }
}
