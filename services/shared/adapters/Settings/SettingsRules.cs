using System.Buffers.Text;
using System.Net;
using System.Text.RegularExpressions;
using Serilog.Events;

namespace EventAuth.Adapters.Settings;

/// <summary>Reads and checks the whole configuration; all errors at once, before anything is started.</summary>
public static partial class SettingsRules
{
    // What a timer waits for: it can hold no more than some weeks, and nobody means more than a day.
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <exception cref="SettingsException">Something is missing, malformed or unknown.</exception>
    public static EventAuthSettings Read(IReadOnlyDictionary<string, string> values)
    {
        var r = new SettingsReader(values);
        var publicUrl = PublicUrl(r);
        var listen = Listen(r);
        var settings = new EventAuthSettings
        {
            PublicUrl = publicUrl,
            Instance = Instance(r, listen),
            Listen = listen,
            TrustedProxies = TrustedProxies(r),
            Postgres = Postgres(r),
            RabbitMq = new RabbitMqSettings(r.Url("rabbitmq.url", "amqp", "amqps")),
            Providers = r.Children("providers").Select(i => Provider(r, $"providers.{i}")).ToList(),
            Session = Session(r, publicUrl),
            Refresh = Refresh(r),
            Revalidation = RevalidationRules.Read(r),
            Revocation = Revocation(r),
            TokenKeys = r.Children("secrets.tokenKeys").Select(i => TokenKey(r, $"secrets.tokenKeys.{i}")).ToList(),
            Logout = LogoutAnswers.Read(r),
            Policy = PolicySettings.Read(r),
            Bearer = BearerRules.Read(r),
            Log = new LogSettings(r.Choice("log.level", LogEventLevel.Information).ToString(), r.Text("log.format", "text")),
        };
        CheckWhole(r, settings);
        r.FailUnknown();
        return r.Errors.Count == 0 ? settings : throw new SettingsException(r.Errors);
    }

    private static void CheckWhole(SettingsReader r, EventAuthSettings s)
    {
        if (s.Providers.Count == 0)
        {
            r.Fail("providers", "needs at least one OpenID provider (issuer, clientId, clientSecret)");
        }

        if (s.Providers.Select(p => p.Issuer).Distinct(StringComparer.Ordinal).Count() != s.Providers.Count)
        {
            r.Fail("providers", "names an issuer twice");
        }

        if (s.TokenKeys.Count == 0)
        {
            r.Fail("secrets.tokenKeys", "needs at least one key: {id: k1, key: BASE64 of 32 random bytes} (openssl rand -base64 32)");
        }

        if (s.TokenKeys.Select(k => k.Id).Distinct(StringComparer.Ordinal).Count() != s.TokenKeys.Count)
        {
            r.Fail("secrets.tokenKeys", "names an id twice");
        }

        if (s.Refresh.Lease <= s.Refresh.Timeout)
        {
            r.Fail("refresh.lease", "must be longer than refresh.timeout, or two replicas could use one refresh token");
        }

        if (s.Revocation.PollInterval >= s.Revocation.Bound)
        {
            r.Fail("revocation.pollInterval", "must be shorter than revocation.bound, or no answer could rest on memory");
        }

        if (s.Log.Format is not ("text" or "json"))
        {
            r.Fail("log.format", $"'{s.Log.Format}' is neither text nor json");
        }
    }

    private static Uri PublicUrl(SettingsReader r)
    {
        if (r.Url("publicUrl", "http", "https") is not { } url)
        {
            r.Fail("publicUrl", "is needed: where browsers reach the gateway's own pages, e.g. https://auth.example.com");
            return new Uri("https://invalid.invalid");
        }

        if (url.AbsolutePath != "/" || url.Query.Length > 0)
        {
            r.Fail("publicUrl", "must have no path and no query");
        }

        if (url.Scheme == "http" && !url.IsLoopback)
        {
            r.Fail("publicUrl", "must be https: over http the cookie could be read on the way (http is for localhost only)");
        }

        return url;
    }

    private static ListenSettings Listen(SettingsReader r)
    {
        var listen = new ListenSettings(
            r.Text("listen.public", "http://127.0.0.1:8081"), r.Text("listen.operations", "http://127.0.0.1:8082"),
            r.Optional("listen.certificateFile"), r.Optional("listen.keyFile"), r.Flag("listen.inlineScheduling", true))
        {
            Drain = r.Duration("listen.drain", TimeSpan.FromSeconds(2), TimeSpan.Zero, TimeSpan.FromSeconds(60)),
        };
        foreach (var (path, text) in new[] { ("listen.public", listen.Public), ("listen.operations", listen.Operations) })
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https")
                || !(IPAddress.TryParse(url.Host.Trim('[', ']'), out _) || url.Host == "localhost"))
            {
                r.Fail(path, $"'{text}' is no address to listen on (http://127.0.0.1:8081, https://0.0.0.0:8443)");
            }
            else if (url.Scheme == "https" && (listen.CertificateFile is null || listen.KeyFile is null))
            {
                r.Fail(path, "is https: set listen.certificateFile and listen.keyFile (PEM)");
            }
        }

        if (Port(listen.Public) is var port && port != 0 && port == Port(listen.Operations))
        {
            r.Fail("listen.operations", $"must have another port than listen.public ({port}): what is for operators is told apart by it");
        }

        return listen;
    }

    private static int Port(string address) => Uri.TryCreate(address, UriKind.Absolute, out var url) ? url.Port : 0;

    private static string Instance(SettingsReader r, ListenSettings listen)
    {
        var name = r.Text("instance", $"{Environment.MachineName}-{Port(listen.Public)}");
        if (!InstanceName().IsMatch(name))
        {
            r.Fail("instance", $"'{name}' must be 1 to 60 letters, digits, dots or dashes");
        }

        return name;
    }

    private static IReadOnlyList<string> TrustedProxies(SettingsReader r)
    {
        var proxies = r.List("trustedProxies", "127.0.0.0/8", "::1");
        foreach (var proxy in proxies.Where(p => !IPNetwork.TryParse(p, out _) && !IPAddress.TryParse(p, out _)))
        {
            r.Fail("trustedProxies", $"'{proxy}' is neither an address nor a network such as 10.0.0.0/8");
        }

        return proxies;
    }

    private static PostgresSettings Postgres(SettingsReader r)
    {
        var settings = new PostgresSettings(
            r.Secret("postgres.connectionString", "Host=…;Username=…;Password=…;Database=…"),
            r.Text("postgres.eventSchema", "eventauth_events"), r.Text("postgres.schema", "eventauth"));
        foreach (var (path, name) in new[] { ("postgres.eventSchema", settings.EventSchema), ("postgres.schema", settings.Schema) })
        {
            if (!SchemaName().IsMatch(name))
            {
                r.Fail(path, $"'{name}' must be lower-case letters, digits and underscores");
            }
        }

        return settings;
    }

    private static ProviderSettings Provider(SettingsReader r, string path)
    {
        var issuer = r.Required($"{path}.issuer", "the issuer's URL, exactly as it names itself");
        if (issuer.Length > 0 && (!Uri.TryCreate(issuer, UriKind.Absolute, out var url)
            || !(url.Scheme == "https" || (url.Scheme == "http" && url.IsLoopback))))
        {
            r.Fail($"{path}.issuer", $"'{issuer}' must be an https URL (http is for loopback only)");
        }

        return new ProviderSettings
        {
            Issuer = issuer,
            MetadataUrl = ProviderRules.MetadataUrl(r, $"{path}.metadataUrl"),
            ClientId = r.Required($"{path}.clientId", "our registration at the IdP"),
            ClientSecret = r.Secret($"{path}.clientSecret", "our registration at the IdP"),
            Scopes = r.List($"{path}.scopes", "openid", "profile", "email", "offline_access"),
            Hosts = Hosts(r, $"{path}.hosts"),
            GroupsClaim = r.Text($"{path}.groupsClaim", "groups"),
            RolesClaim = r.Text($"{path}.rolesClaim", "roles"),
            TrustEmail = r.Flag($"{path}.trustEmail", false),
            MaxAge = r.Duration($"{path}.maxAge", TimeSpan.Zero, TimeSpan.Zero),
            SigningAlgorithms = Algorithms(r, $"{path}.signingAlgorithms"),
            LogoutTokenRequiresType = r.Flag($"{path}.logoutTokenRequiresType", false),
            LogoutTokenRequiresExpiry = r.Flag($"{path}.logoutTokenRequiresExpiry", true),
            FrontchannelLogout = r.Flag($"{path}.frontchannelLogout", false),
            FatalErrors = RevalidationRules.FatalErrors(r, path),
        };
    }

    private static IReadOnlyList<string> Hosts(SettingsReader r, string path)
    {
        var hosts = r.List(path);
        foreach (var host in hosts.Where(h => Uri.CheckHostName(h.StartsWith("*.", StringComparison.Ordinal) ? h[2..] : h) != UriHostNameType.Dns))
        {
            r.Fail(path, $"'{host}' is no host name such as app.example.com or *.example.com");
        }

        return hosts;
    }

    internal static IReadOnlyList<string> Algorithms(SettingsReader r, string path)
    {
        var names = r.List(path, "RS256");
        foreach (var name in names.Where(n => n is not ("RS256" or "RS384" or "RS512" or "PS256" or "PS384" or "PS512" or "ES256" or "ES384" or "ES512")))
        {
            r.Fail(path, $"'{name}' is not accepted: use RS*, PS* or ES* (256, 384, 512); never none or HS*");
        }

        return names;
    }

    private static SessionSettings Session(SettingsReader r, Uri publicUrl)
    {
        var domain = CookieDomain(r, publicUrl);
        var name = r.Text("session.cookieName", "eventauth");
        if (!CookieToken().IsMatch(name))
        {
            r.Fail("session.cookieName", $"'{name}' is no name for a cookie: letters, digits and !#$%&'*+-.^_`|~ (RFC 6265)");
        }

        // RFC 6265bis 4.1.3: __Host- binds the cookie to one host over https; a shared domain can have __Secure- only.
        var prefix = publicUrl.Scheme != "https" ? "" : domain is null ? "__Host-" : "__Secure-";
        return new SessionSettings(
            r.Duration("session.lifetime", TimeSpan.FromHours(24), TimeSpan.FromSeconds(1)),
            r.Duration("session.idle", TimeSpan.Zero, TimeSpan.Zero),
            prefix + name, domain);
    }

    private static string? CookieDomain(SettingsReader r, Uri publicUrl)
    {
        var domain = r.Optional("session.cookieDomain")?.TrimStart('.');
        if (domain is null)
        {
            return null;
        }

        if (Uri.CheckHostName(domain) != UriHostNameType.Dns)
        {
            r.Fail("session.cookieDomain", $"'{domain}' is no host name such as example.com");
        }
        else if (!$".{publicUrl.IdnHost}".EndsWith($".{domain}", StringComparison.OrdinalIgnoreCase))
        {
            r.Fail("session.cookieDomain", $"publicUrl's host {publicUrl.IdnHost} is not within '{domain}': browsers would refuse the cookie");
        }

        return domain;
    }

    private static RefreshSettings Refresh(SettingsReader r) => new(
        r.Duration("refresh.grace", TimeSpan.FromSeconds(60), TimeSpan.Zero),
        r.Duration("refresh.timeout", TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(100), Day),
        r.Duration("refresh.lease", TimeSpan.FromSeconds(15), TimeSpan.FromMilliseconds(200), Day),
        r.Duration("refresh.maxTokenAge", TimeSpan.FromHours(6), TimeSpan.Zero));

    private static RevocationSettings Revocation(SettingsReader r) => new(
        r.Duration("revocation.bound", TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(100), Day),
        r.Duration("revocation.pollInterval", TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(10), Day))
    {
        Grace = r.Grace("revocation.onStoreUnavailable", TimeSpan.FromHours(1)),
    };

    private static TokenKeySettings TokenKey(SettingsReader r, string path)
    {
        var id = r.Required($"{path}.id", "a name for the key, e.g. k1");
        var text = r.Secret($"{path}.key", "BASE64 of 32 random bytes: openssl rand -base64 32");
        var key = Base64.IsValid(text) ? Convert.FromBase64String(text) : [];
        if (text.Length > 0 && key.Length != 32)
        {
            r.Fail($"{path}.key", "must be BASE64 of exactly 32 bytes: openssl rand -base64 32");
        }

        return new TokenKeySettings(id, key);
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9.-]{0,59}$")]
    private static partial Regex InstanceName();

    [GeneratedRegex(@"^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}\z")]
    private static partial Regex CookieToken();

    [GeneratedRegex("^[a-z_][a-z0-9_]{0,49}$")]
    private static partial Regex SchemaName();
}
