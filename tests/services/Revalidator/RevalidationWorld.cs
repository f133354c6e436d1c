using System.Web;
using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Login;
using EventAuth.Domain.Sessions;
using EventAuth.Revalidator;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using EventAuth.StubIdp;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>An IdP, people who signed in through it, and the parts that check them, on one clock.</summary>
internal sealed class RevalidationWorld : IAsyncDisposable
{
    private const string RedirectUri = "http://localhost:8080/auth/callback";

    private readonly LiveStore _store;
    private readonly ProviderDirectory _providers;
    private readonly TokenVault _vault;
    private readonly OutboxSignal _outbox = new();
    private readonly Metrics _metrics = new();

    private RevalidationWorld(LiveStore store, StubProvider idp, ManualClock clock, EventAuthSettings settings)
    {
        (_store, Idp, Clock, Settings) = (store, idp, clock, settings);
        _providers = ProviderDirectory.Build(settings.Providers, clock);
        _vault = new TokenVault(settings.TokenKeys);
        Health = new ProviderHealth(settings, clock, Log.For<ProviderHealth>());
        var tokens = new TokenStore(store.Database);
        var refresh = new RefreshSession(tokens, store.Sessions, store.Index, _vault, _providers, new RefreshWaiters(), Health, _outbox, _metrics,
            settings, Failpoints.FromEnvironment(), clock, Log.For<RefreshSession>());
        var revocations = new Revocations(
            store.Events, store.Index, _outbox, new SweepSignal(), _metrics, NullLogger<Revocations>.Instance);
        Due = new DueSessions(store.Database);
        Check = new SessionCheck(new ProviderQuestion(_providers, refresh, tokens, _vault, Health, settings, clock), store.Sessions,
            revocations, Due, _outbox, _metrics, settings, clock, Log.For<SessionCheck>());
    }

    /// <summary>What was said, on information level and above.</summary>
    public SpokenLog Log { get; } = new();

    public StubProvider Idp { get; }

    public ManualClock Clock { get; }

    public EventAuthSettings Settings { get; }

    public ProviderHealth Health { get; }

    public DueSessions Due { get; }

    public SessionCheck Check { get; }

    public static async Task<RevalidationWorld> StartAsync(LiveStore store, params (string Path, string Value)[] settings)
    {
        // Whole seconds, because tokens carry no others.
        var clock = new ManualClock(DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()));
        var idp = await StubProvider.StartAsync(new StubOptions { Clock = clock });
        return new RevalidationWorld(store, idp, clock, SettingsFor(idp, store.Settings, settings));
    }

    /// <summary>Signs somebody in at the IdP and begins a session with the tokens.</summary>
    public async Task<SessionId> SignInAsync(
        string sub, bool refreshable = true, IReadOnlyList<string>? groups = null, DateTimeOffset? nextCheckAt = null)
    {
        Idp.SignInAs(new StubUser(sub, $"{sub}@example.test", sub) { Groups = groups ?? ["staff"], Roles = [] });
        var now = Clock.GetUtcNow();
        var attempt = new LoginAttempt(Idp.Issuer, "nonce-1", "verifier-0123456789-0123456789-0123456789-01", "/", 0, now);
        var url = await _providers.Default.Client.AuthorizationUrlAsync(
            new AuthorizationRequest(RedirectUri, "state-1", attempt.Nonce, attempt.CodeChallenge), default);
        using var browser = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var answer = await browser.GetAsync(url);
        var code = HttpUtility.ParseQueryString(answer.Headers.Location!.Query)["code"]!;
        var exchange = Assert.IsType<CodeExchange.Completed>(await _providers.Default.Client.ExchangeCodeAsync(
            code, RedirectUri, attempt, TimeSpan.FromSeconds(10), default));

        var id = LiveStore.NewId();
        var tokens = new SessionTokens(exchange.Tokens.AccessToken, refreshable ? exchange.Tokens.RefreshToken : null, exchange.Tokens.IdToken);
        var secret = tokens.Seal(_vault, id);
        await _store.Sessions.ExecuteAsync(id, new SessionCommand.Issue(
            new Subject(Idp.Issuer, sub), exchange.Identity.Sid, "eventauth", groups ?? ["staff"], [],
            await _store.HeadAsync(), now, TimeSpan.FromHours(24), exchange.Tokens.AccessExpiresAt, refreshable),
            new WriteContext { Tokens = new SealedTokens(secret.KeyId, secret.Bytes, now), NextCheckAt = nextCheckAt ?? now }, default);
        Idp.Log.Clear();
        return id;
    }

    /// <summary>Takes what is due, which must be this session, and checks it.</summary>
    public async Task<CheckStep> CheckAsync(SessionId id)
    {
        return await Check.RunAsync(Assert.Single(await ClaimAsync(), d => d.Id == id), default);
    }

    /// <summary>Takes what is due.</summary>
    public async Task<IReadOnlyList<DueSession>> ClaimAsync() =>
        (await Due.ClaimAsync(new DueQuery(Idp.Issuer, Clock.GetUtcNow(), [], 50, TimeSpan.FromSeconds(15), 0), default)).Sessions;

    /// <summary>Moves on to the next time this session is due, and checks it.</summary>
    public Task<CheckStep> CheckAgainAsync(SessionId id)
    {
        Clock.Advance(TimeSpan.FromSeconds(67));
        return CheckAsync(id);
    }

    public async Task<SessionRow> RowAsync(SessionId id) => (await _store.Index.FindAsync(id, default))!;

    public async ValueTask DisposeAsync()
    {
        _providers.Dispose();
        _outbox.Dispose();
        _metrics.Dispose();
        await Idp.DisposeAsync();
    }

    internal static EventAuthSettings SettingsFor(StubProvider idp, PostgresSettings postgres, (string Path, string Value)[] more)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["publicUrl"] = "http://localhost:8080",
            ["instance"] = "revalidator-test",
            ["listen.public"] = "http://127.0.0.1:0",
            ["listen.operations"] = "http://127.0.0.1:0",
            ["postgres.connectionString"] = postgres.ConnectionString,
            ["postgres.schema"] = postgres.Schema,
            ["postgres.eventSchema"] = postgres.EventSchema,
            ["providers.0.issuer"] = idp.Issuer,
            ["providers.0.clientId"] = idp.Options.ClientId,
            ["providers.0.clientSecret"] = idp.Options.ClientSecret,
            ["secrets.tokenKeys.0.id"] = "k1",
            ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(new byte[32]),
            ["revalidation.idleInterval"] = "0s",
            ["log.level"] = "error",
        };
        foreach (var (path, value) in more)
        {
            values[path] = value;
        }

        return SettingsRules.Read(values);
    }
}
