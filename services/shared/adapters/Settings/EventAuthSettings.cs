using EventAuth.Domain.Access;

namespace EventAuth.Adapters.Settings;

/// <summary>Everything that can be configured, read once and unchanging; the README's reference lists each with unit and default.</summary>
public sealed record EventAuthSettings
{
    public required Uri PublicUrl { get; init; }

    public required string Instance { get; init; }

    public required ListenSettings Listen { get; init; }

    public required IReadOnlyList<string> TrustedProxies { get; init; }

    public required PostgresSettings Postgres { get; init; }

    public required RabbitMqSettings RabbitMq { get; init; }

    public required IReadOnlyList<ProviderSettings> Providers { get; init; }

    public required SessionSettings Session { get; init; }

    public required RefreshSettings Refresh { get; init; }

    public required RevalidationSettings Revalidation { get; init; }

    public required RevocationSettings Revocation { get; init; }

    public required IReadOnlyList<TokenKeySettings> TokenKeys { get; init; }

    public LogoutSettings Logout { get; init; } = new(UnavailableStatus: 503);

    public required AccessPolicy Policy { get; init; }

    public BearerSettings Bearer { get; init; } = new();

    public required LogSettings Log { get; init; }

    /// <summary>The longest time that anything lives which a revocation could hit.</summary>
    public TimeSpan LongestLife => Session.Lifetime > Bearer.LongestLife ? Session.Lifetime : Bearer.LongestLife;
}

/// <summary>Where a service listens: one address for proxies and browsers, one for operators.</summary>
public sealed record ListenSettings(string Public, string Operations, string? CertificateFile, string? KeyFile, bool InlineScheduling)
{
    /// <summary>How long a service that is told to stop still answers while it says that it is not ready.</summary>
    public TimeSpan Drain { get; init; }
}

/// <summary>The event store.</summary>
public sealed record PostgresSettings(string ConnectionString, string EventSchema, string Schema);

/// <summary>The broker; without a URL the feed alone carries revocations.</summary>
public sealed record RabbitMqSettings(Uri? Url);

/// <summary>One OpenID provider and our registration there.</summary>
public sealed record ProviderSettings
{
    public required string Issuer { get; init; }

    /// <summary>Where the discovery document is fetched, if not below the issuer: the issuer's own address may not be reachable from here.</summary>
    public Uri? MetadataUrl { get; init; }

    public required string ClientId { get; init; }

    public required string ClientSecret { get; init; }

    public IReadOnlyList<string> Scopes { get; init; } = ["openid", "profile", "email", "offline_access"];

    /// <summary>People who want a page of these sign in here: <c>app.example.com</c>, <c>*.example.com</c>.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    public string GroupsClaim { get; init; } = "groups";

    public string RolesClaim { get; init; } = "roles";

    /// <summary>Take an e-mail address without <c>email_verified</c> for verified; for IdPs that let nobody choose their own.</summary>
    public bool TrustEmail { get; init; }

    /// <summary>People must have signed in at the IdP no longer ago (<c>max_age</c>); zero: whenever.</summary>
    public TimeSpan MaxAge { get; init; }

    /// <summary>JWS algorithms accepted for ID and logout tokens (the client's <c>id_token_signed_response_alg</c>).</summary>
    public IReadOnlyList<string> SigningAlgorithms { get; init; } = ["RS256"];

    /// <summary>Refuse logout tokens without <c>typ: logout+jwt</c> (OWASP ASVS 10.5.5); off for older IdPs.</summary>
    public bool LogoutTokenRequiresType { get; init; }

    /// <summary>Refuse logout tokens without <c>exp</c> (Back-Channel Logout 1.0, 2.4); off for older IdPs.</summary>
    public bool LogoutTokenRequiresExpiry { get; init; } = true;

    /// <summary>
    /// Front-Channel Logout 1.0: who knows a sid of this IdP may end its session, by the browser alone. Off unless wanted: nothing
    /// signs such a request, and browsers that keep third parties apart often never send it.
    /// </summary>
    public bool FrontchannelLogout { get; init; }

    /// <summary>Every word of this IdP that ends sessions, those of <c>revalidation.fatalErrors</c> among them.</summary>
    public IReadOnlySet<string> FatalErrors { get; init; } = Domain.Refresh.FatalErrors.Default;
}

/// <summary>How long sessions live and how the cookie looks.</summary>
/// <param name="Idle">Zero: no idle limit.</param>
public sealed record SessionSettings(TimeSpan Lifetime, TimeSpan Idle, string CookieName, string? CookieDomain);

/// <summary>Renewal of upstream tokens.</summary>
/// <param name="Lease">How long a replica may work on one refresh; longer than <paramref name="Timeout"/>.</param>
/// <param name="MaxTokenAge">Older refresh tokens are not tried for requests that are no navigation; zero: no limit.</param>
public sealed record RefreshSettings(TimeSpan Grace, TimeSpan Timeout, TimeSpan Lease, TimeSpan MaxTokenAge);

/// <summary>Periodic questions to the IdP.</summary>
/// <param name="Concurrency">Checks at once, for each issuer and worker.</param>
public sealed record RevalidationSettings(
    TimeSpan Interval, TimeSpan Timeout, OnFailure OnFailure, int Concurrency, int Batch, TimeSpan MaxUnverifiedAge)
{
    /// <summary>Between two checks of a session that nobody uses; what is not longer than the interval makes no difference.</summary>
    public TimeSpan IdleInterval { get; init; }

    /// <summary>Checks begun in any second, for each issuer over all workers; 0: no limit.</summary>
    public int Rate { get; init; }

    /// <summary>Whether sessions that nobody uses are checked less often.</summary>
    public bool LetsRest => Interval > TimeSpan.Zero && IdleInterval > Interval;
}

/// <summary>What a check that could not be made means.</summary>
public enum OnFailure
{
    Deny = 0,
    Allow,
}

/// <summary>The promise about revocations.</summary>
/// <param name="Bound">Y: longest time that an answer may rest on a feed read in the past.</param>
public sealed record RevocationSettings(TimeSpan Bound, TimeSpan PollInterval)
{
    /// <summary>How much longer sessions in memory are let in while the store is away; zero: nobody.</summary>
    public TimeSpan Grace { get; init; }
}

/// <summary>Answers to IdPs.</summary>
/// <param name="UnavailableStatus">To a logout that cannot be carried out now: 503, or 400 as Back-Channel Logout 1.0, 2.8 has it.</param>
public sealed record LogoutSettings(int UnavailableStatus);

/// <summary>A key that encrypts tokens at rest: 256 bits, named so that several can be readable at once.</summary>
public sealed record TokenKeySettings(string Id, byte[] Key);

/// <summary>Form of the log.</summary>
public sealed record LogSettings(string Level, string Format);
