using System.Web;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Login;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>A stub IdP, a registered client of ours, and a person who signs in without being asked.</summary>
internal sealed class StubSession : IAsyncDisposable
{
    public const string RedirectUri = "http://localhost:8080/auth/callback";

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ProviderDirectory _directory;

    private StubSession(StubProvider idp, ManualClock clock, Func<ProviderSettings, ProviderSettings> change)
    {
        (Idp, Clock) = (idp, clock);
        _directory = ProviderDirectory.Build(
            [change(new ProviderSettings { Issuer = idp.Issuer, ClientId = idp.Options.ClientId, ClientSecret = idp.Options.ClientSecret })], clock);
        Attempt = new LoginAttempt(idp.Issuer, "nonce-1", "verifier-0123456789-0123456789-0123456789-01", "/", 0, clock.GetUtcNow());
    }

    public StubProvider Idp { get; }

    public ManualClock Clock { get; }

    public LoginAttempt Attempt { get; }

    public ProviderClient Client => _directory.Default.Client;

    public ProviderDirectory Directory => _directory;

    public static async Task<StubSession> StartAsync(
        StubOptions? options = null, Func<ProviderSettings, ProviderSettings>? change = null)
    {
        var clock = new ManualClock(FixedIdp.Noon);
        var idp = await StubProvider.StartAsync((options ?? new StubOptions()) with { Clock = clock });
        idp.SignInAs(new StubUser("alice", "alice@example.test", "Alice") { Groups = ["staff"], Roles = [] });
        return new StubSession(idp, clock, change ?? (s => s));
    }

    /// <summary>Walks through the IdP as a browser does; the parameters it brings back.</summary>
    public async Task<System.Collections.Specialized.NameValueCollection> AuthorizeAsync()
    {
        var url = await Client.AuthorizationUrlAsync(
            new AuthorizationRequest(RedirectUri, "state-1", Attempt.Nonce, Attempt.CodeChallenge), default);
        using var browser = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var answer = await browser.GetAsync(url);
        return HttpUtility.ParseQueryString(answer.Headers.Location!.Query);
    }

    public async Task<CodeExchange> SignInAsync() =>
        await Client.ExchangeCodeAsync((await AuthorizeAsync())["code"]!, RedirectUri, Attempt, Patience, default);

    public async Task<TokenSet> TokensAsync() => Assert.IsType<CodeExchange.Completed>(await SignInAsync()).Tokens;

    public Task<RefreshResult> RefreshAsync(string? refreshToken) => Client.RefreshAsync(refreshToken!, "alice", Patience, default);

    /// <summary>Moves the clock on as soon as the call under test waits for the IdP's answer.</summary>
    public async Task<T> TimeOutAsync<T>(StubEndpoint endpoint, Func<Task<T>> call)
    {
        var before = Idp.Log.Count(endpoint);
        var calling = call();
        using var deadline = new CancellationTokenSource(Patience);
        while (Idp.Log.Count(endpoint) == before)
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Clock.Advance(Patience);
        return await calling.WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        _directory.Dispose();
        await Idp.DisposeAsync();
    }
}
