using System.Collections;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Access;

namespace EventAuth.Services.Tests.Settings;

public sealed class SettingsTests
{
    internal static readonly Dictionary<string, string> Smallest = new(StringComparer.OrdinalIgnoreCase)
    {
        ["publicUrl"] = "https://auth.example.test",
        ["postgres.connectionString"] = "Host=localhost",
        ["providers.0.issuer"] = "https://idp.example.test",
        ["providers.0.clientId"] = "eventauth",
        ["providers.0.clientSecret"] = "secret",
        ["secrets.tokenKeys.0.id"] = "k1",
        ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(new byte[32]),
    };

    [Fact]
    public void The_smallest_configuration_has_safe_defaults()
    {
        var settings = SettingsRules.Read(Smallest);

        Assert.Equal("__Host-eventauth", settings.Session.CookieName);
        Assert.Equal(TimeSpan.FromSeconds(5), settings.Revocation.Bound);
        Assert.Equal(TimeSpan.Zero, settings.Revocation.Grace);
        Assert.Equal(["RS256"], settings.Providers[0].SigningAlgorithms);
        Assert.False(settings.Providers[0].FrontchannelLogout);
        Assert.Equal(503, settings.Logout.UnavailableStatus);
        Assert.Empty(settings.Policy.Rules);
        Assert.Null(settings.RabbitMq.Url);
    }

    [Fact]
    public void A_cookie_for_a_whole_domain_cannot_be_a_host_cookie() =>
        Assert.Equal("__Secure-eventauth", Read(("session.cookieDomain", "example.test")).Session.CookieName);

    // CVE-2021-21411: a misspelt group option was ignored, and everybody was let in.
    [Theory]
    [InlineData("rules.0.gruops", "staff", "rules.0.gruops: is not a setting; did you mean rules.0.groups?")]
    [InlineData("sesion.lifetime", "1h", "sesion.lifetime: is not a setting; did you mean session.lifetime?")]
    [InlineData("session.lifetime", "1 hour", "session.lifetime: '1 hour' is no duration (write 500ms, 60s, 5m, 24h or 7d)")]
    [InlineData("publicUrl", "http://auth.example.test", "publicUrl: must be https: over http the cookie could be read on the way (http is for localhost only)")]
    [InlineData("providers.0.issuer", "http://idp.example.test", "providers.0.issuer: 'http://idp.example.test' must be an https URL (http is for loopback only)")]
    [InlineData("providers.0.signingAlgorithms", "HS256", "providers.0.signingAlgorithms: 'HS256' is not accepted: use RS*, PS* or ES* (256, 384, 512); never none or HS*")]
    [InlineData("secrets.tokenKeys.0.key", "c2hvcnQ=", "secrets.tokenKeys.0.key: must be BASE64 of exactly 32 bytes: openssl rand -base64 32")]
    [InlineData("trustedProxies", "proxy.local", "trustedProxies: 'proxy.local' is neither an address nor a network such as 10.0.0.0/8")]
    [InlineData("refresh.lease", "5s", "refresh.lease: must be longer than refresh.timeout, or two replicas could use one refresh token")]
    [InlineData("revocation.pollInterval", "5s", "revocation.pollInterval: must be shorter than revocation.bound, or no answer could rest on memory")]
    [InlineData("revocation.onStoreUnavailable", "allow", "revocation.onStoreUnavailable: 'allow' is neither deny nor grace(TIME) with a time of at most 3600s, such as grace(30s) or grace(10m)")]
    [InlineData("revocation.onStoreUnavailable", "grace", "revocation.onStoreUnavailable: 'grace' is neither deny nor grace(TIME) with a time of at most 3600s, such as grace(30s) or grace(10m)")]
    [InlineData("revocation.onStoreUnavailable", "grace()", "revocation.onStoreUnavailable: 'grace()' is neither deny nor grace(TIME) with a time of at most 3600s, such as grace(30s) or grace(10m)")]
    [InlineData("revocation.onStoreUnavailable", "grace(0s)", "revocation.onStoreUnavailable: 'grace(0s)' is neither deny nor grace(TIME) with a time of at most 3600s, such as grace(30s) or grace(10m)")]
    [InlineData("revocation.onStoreUnavailable", "grace(10 m)", "revocation.onStoreUnavailable: 'grace(10 m)' is neither deny nor grace(TIME) with a time of at most 3600s, such as grace(30s) or grace(10m)")]
    [InlineData("revocation.onStoreUnavailable", "grace(61m)", "revocation.onStoreUnavailable: 'grace(61m)' is neither deny nor grace(TIME) with a time of at most 3600s, such as grace(30s) or grace(10m)")]
    [InlineData("revocation.onStoreUnavailable", "Deny", "revocation.onStoreUnavailable: 'Deny' is neither deny nor grace(TIME) with a time of at most 3600s, such as grace(30s) or grace(10m)")]
    [InlineData("logout.unavailableStatus", "500", "logout.unavailableStatus: '500' is neither 503 (come again) nor 400 (Back-Channel Logout 1.0, 2.8)")]
    [InlineData("providers.0.frontchannelLogout", "on", "providers.0.frontchannelLogout: 'on' is neither true nor false")]
    [InlineData("revalidation.onFailure", "maybe", "revalidation.onFailure: 'maybe' is none of deny, allow")]
    [InlineData("postgres.schema", "a; drop table x", "postgres.schema: 'a; drop table x' must be lower-case letters, digits and underscores")]
    [InlineData("session.lifetime", "999999999d", "session.lifetime: '999999999d' is too long; at most 3650d")]
    [InlineData("revocation.bound", "60d", "revocation.bound: '60d' is too long; at most 1d")]
    [InlineData("revalidation.fatalErrors", "http_503", "revalidation.fatalErrors: 'http_503' says nothing of a person; of http_NNN only 400 to 499 without 408 and 429 can")]
    [InlineData("providers.0.fatalErrors", "timeout", "providers.0.fatalErrors: 'timeout' means that the IdP gave no answer; see revalidation.onFailure")]
    [InlineData("revalidation.nonFatalErrors", "invalid_client", "revalidation.nonFatalErrors: 'invalid_client' ends no session anyway; only invalid_grant and userinfo_401 do")]
    [InlineData("revalidation.rate", "-1", "revalidation.rate: '-1' is not a whole number from 0 to 100000")]
    [InlineData("log.level", "loud", "log.level: 'loud' is none of verbose, debug, information, warning, error, fatal")]
    [InlineData("log.level", "3", "log.level: '3' is none of verbose, debug, information, warning, error, fatal")]
    [InlineData("session.cookieName", "event auth", "session.cookieName: 'event auth' is no name for a cookie: letters, digits and !#$%&'*+-.^_`|~ (RFC 6265)")]
    [InlineData("session.cookieName", "a;Domain=x", "session.cookieName: 'a;Domain=x' is no name for a cookie: letters, digits and !#$%&'*+-.^_`|~ (RFC 6265)")]
    [InlineData("session.cookieDomain", "example.test; Path=/x", "session.cookieDomain: 'example.test; Path=/x' is no host name such as example.com")]
    [InlineData("session.cookieDomain", "ample.test", "session.cookieDomain: publicUrl's host auth.example.test is not within 'ample.test': browsers would refuse the cookie")]
    [InlineData("providers.0.metadataUrl", "http://idp:8080/meta", "providers.0.metadataUrl: 'http://idp:8080/meta' must be https (http is for loopback only): whoever can change the document can sign in as anybody")]
    [InlineData("providers.0.metadataUrl", "https://me@idp.test/meta", "providers.0.metadataUrl: must have no user and no fragment")]
    [InlineData("providers.0.metadataUrl", "/meta", "providers.0.metadataUrl: '/meta' is no URL (http, https)")]
    [InlineData("providers.0.maxAge", "soon", "providers.0.maxAge: 'soon' is no duration (write 500ms, 60s, 5m, 24h or 7d)")]
    [InlineData("listen.operations", "http://0.0.0.0:8081", "listen.operations: must have another port than listen.public (8081): what is for operators is told apart by it")]
    public void A_mistake_stops_the_start_and_says_what_to_do(string path, string value, string expected) =>
        Assert.Contains(expected, Assert.Throws<SettingsException>(() => Read((path, value))).Errors);

    [Theory]
    [InlineData("deny", 0)]
    [InlineData("grace(30s)", 30)]
    [InlineData("grace(10m)", 600)]
    [InlineData("grace(1h)", 3600)]
    public void How_long_sessions_are_let_in_without_the_store_is_a_choice(string text, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Read(("revocation.onStoreUnavailable", text)).Revocation.Grace);

    [Fact]
    public void All_mistakes_are_told_at_once()
    {
        var error = Assert.Throws<SettingsException>(() => SettingsRules.Read(new Dictionary<string, string>()));

        Assert.Contains(error.Errors, e => e.StartsWith("publicUrl:", StringComparison.Ordinal));
        Assert.Contains(error.Errors, e => e.StartsWith("postgres.connectionString:", StringComparison.Ordinal));
        Assert.Contains(error.Errors, e => e.StartsWith("providers:", StringComparison.Ordinal));
        Assert.Contains(error.Errors, e => e.StartsWith("secrets.tokenKeys:", StringComparison.Ordinal));
    }

    [Fact]
    public void A_rule_that_says_nobody_and_everybody_is_a_mistake() =>
        Assert.Throws<SettingsException>(() => Read(("rules.0.host", "app.example.test")));

    [Fact]
    public void The_environment_wins_over_the_file_and_a_secret_can_come_from_a_file_of_its_own()
    {
        var folder = Directory.CreateTempSubdirectory("eventauth");
        var (file, secret) = (Path.Combine(folder.FullName, "eventauth.yaml"), Path.Combine(folder.FullName, "secret"));
        File.WriteAllText(secret, "from a file\n");
        File.WriteAllText(file, $$"""
            publicUrl: https://auth.example.test
            postgres: { connectionString: Host=localhost }
            session: { lifetime: 8h }
            providers:
              - { issuer: "https://idp.example.test", clientId: eventauth, clientSecretFile: {{secret}}, scopes: [openid, email] }
            secrets: { tokenKeys: [{ id: k1, key: {{Convert.ToBase64String(new byte[32])}} }] }
            groups: { support: [carol, dave@example.test] }
            rules:
              - { host: app.example.test, path: /admin, groups: [support] }
              - { host: "*.example.test", access: authenticated }
            """);

        var settings = SettingsRules.Read(SettingsSource.Load(file, new Hashtable { ["EVENTAUTH__SESSION__LIFETIME"] = "1h" }));
        folder.Delete(recursive: true);

        Assert.Equal(TimeSpan.FromHours(1), settings.Session.Lifetime);
        Assert.Equal("from a file", settings.Providers[0].ClientSecret);
        Assert.Equal(["openid", "email"], settings.Providers[0].Scopes);
        Assert.Equal([AccessLevel.Restricted, AccessLevel.Authenticated], settings.Policy.Rules.Select(r => r.Access));
    }

    [Fact]
    public void The_twin_of_a_whole_list_replaces_the_one_in_the_file_and_leaves_sections_alone()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, """
            trustedProxies: [127.0.0.1, "::1"]
            providers: [{ issuer: "https://idp.example.test", scopes: [openid, email] }]
            rules: [{ host: app.example.test, groups: [staff, guests] }]
            """);

        var values = SettingsSource.Load(file, new Hashtable
        {
            ["EVENTAUTH__TRUSTEDPROXIES"] = "10.0.0.1",
            ["EVENTAUTH__PROVIDERS__0__SCOPES"] = "",
            ["EVENTAUTH__RULES"] = "nobody",
        });
        File.Delete(file);

        Assert.Equal(
            ["providers.0.issuer", "providers.0.scopes", "rules", "rules.0.groups.0", "rules.0.groups.1", "rules.0.host", "trustedproxies"],
            values.Keys.Select(k => k.ToLowerInvariant()).Order(StringComparer.Ordinal));
        Assert.Equal("10.0.0.1", values["trustedProxies"]);
    }

    [Fact]
    public void Everything_about_checks_has_a_twin_in_the_environment()
    {
        var settings = SettingsRules.Read(new Dictionary<string, string>(Smallest, StringComparer.OrdinalIgnoreCase).Concat(SettingsSource.Load(null, new Hashtable
        {
            ["EVENTAUTH__REVALIDATION__INTERVAL"] = "0s",
            ["EVENTAUTH__REVALIDATION__TIMEOUT"] = "7s",
            ["EVENTAUTH__REVALIDATION__ONFAILURE"] = "deny",
            ["EVENTAUTH__REVALIDATION__FATALERRORS"] = "invalid_client,userinfo_403",
        })).ToDictionary(StringComparer.OrdinalIgnoreCase));

        var rules = settings.Revalidation;
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(7), OnFailure.Deny), (rules.Interval, rules.Timeout, rules.OnFailure));
        Assert.Superset(new HashSet<string> { "invalid_client", "userinfo_403", "invalid_grant" }, settings.Providers[0].FatalErrors.ToHashSet());
    }

    private static EventAuthSettings Read(params (string Path, string Value)[] changes)
    {
        var values = new Dictionary<string, string>(Smallest, StringComparer.OrdinalIgnoreCase);
        foreach (var (path, value) in changes)
        {
            values[path] = value;
        }

        return SettingsRules.Read(values);
    }
}
