using System.Text.Json;
using EventAuth.Domain.Bearer;

namespace EventAuth.Adapters.Settings;

/// <summary>Reads <c>bearer</c>.</summary>
internal static class BearerRules
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    public static BearerSettings Read(SettingsReader r)
    {
        var settings = new BearerSettings
        {
            Issuers = r.Children("bearer.issuers").Select(i => Issuer(r, $"bearer.issuers.{i}")).ToList(),
            Realm = r.Text("bearer.realm", "eventauth"),
            WithholdAuthorization = r.Flag("bearer.withholdAuthorization", false),
            FailureThreshold = r.Number("bearer.failureThreshold", 20, 0, 1_000_000),
            FailureWindow = r.Duration("bearer.failureWindow", TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), Day),
            FailurePenalty = r.Duration("bearer.failurePenalty", TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), Day),
        };
        CheckWhole(r, settings);
        return settings;
    }

    private static void CheckWhole(SettingsReader r, BearerSettings settings)
    {
        if (settings.Realm.Any(c => c is < ' ' or > '~' or '"' or '\\'))
        {
            r.Fail("bearer.realm", "must be plain text without quotes and backslashes");
        }

        if (settings.Issuers.Select(i => i.Expected.Issuer).Distinct(StringComparer.Ordinal).Count() != settings.Issuers.Count)
        {
            r.Fail("bearer.issuers", "names an issuer twice");
        }

        // A token that only its issuer can read does not say whose it is: it must not be shown to all of them in turn.
        if (settings.Issuers.Count(i => i.Introspection is not null) > 1)
        {
            r.Fail("bearer.issuers", "only one issuer can have introspection: a token that is no JWT does not say whom to ask");
        }
    }

    private static BearerIssuerSettings Issuer(SettingsReader r, string path)
    {
        var (pem, set) = (r.Optional($"{path}.publicKeyFile"), r.Optional($"{path}.jwksFile"));
        var issuer = new BearerIssuerSettings
        {
            Expected = new AccessTokenExpectations(
                Name(r, path), Audiences(r, path), Types(r, path), r.List($"{path}.clients"), Conditions(r, path),
                r.Duration($"{path}.maxTokenAge", Day, TimeSpan.FromMinutes(1), TimeSpan.FromDays(30)),
                r.Duration($"{path}.clockSkew", TimeSpan.FromSeconds(60), TimeSpan.Zero, TimeSpan.FromMinutes(10)))
            {
                GroupsClaim = r.Text($"{path}.groupsClaim", "groups"),
                RolesClaim = r.Text($"{path}.rolesClaim", "roles"),
                TrustEmail = r.Flag($"{path}.trustEmail", false),
            },
            SigningAlgorithms = SettingsRules.Algorithms(r, $"{path}.signingAlgorithms"),
            KeysUrl = Address(r, $"{path}.jwksUrl"),
            KeyFile = set ?? pem,
            KeyFileIsPem = set is null,
            Introspection = Introspection(r, $"{path}.introspection"),
        };
        CheckKeys(r, path, issuer, [pem, set, issuer.KeysUrl?.ToString()]);
        return issuer;
    }

    private static string Name(SettingsReader r, string path)
    {
        var issuer = r.Required($"{path}.issuer", "the issuer as its tokens name it in iss");
        if (issuer.Length > 255 || issuer.Any(char.IsControl))
        {
            r.Fail($"{path}.issuer", "must be text of at most 255 characters");
        }

        return issuer;
    }

    // Without an audience every token of the issuer, for whichever API, would open this one (CVE-2026-55669).
    private static IReadOnlyList<string> Audiences(SettingsReader r, string path)
    {
        var audiences = r.List($"{path}.audiences");
        if (audiences.Count == 0)
        {
            r.Fail($"{path}.audiences", "is missing: the names by which tokens for these applications are told from others, such as https://api.example.com");
        }

        return audiences;
    }

    private static List<string> Types(SettingsReader r, string path)
    {
        var types = r.List($"{path}.types", "at+jwt").Select(t => t.ToLowerInvariant()).ToList();
        foreach (var type in types.Where(t => t is not ("at+jwt" or "jwt")))
        {
            r.Fail($"{path}.types", $"'{type}' is neither at+jwt (RFC 9068) nor jwt (issuers that type all their tokens JWT, or not at all)");
        }

        return types;
    }

    private static List<ClaimCondition> Conditions(SettingsReader r, string path) =>
        r.Children($"{path}.claims").Select(i => Condition(r, $"{path}.claims.{i}")).ToList();

    private static ClaimCondition Condition(SettingsReader r, string path)
    {
        var claim = r.Required($"{path}.claim", "name of a claim, or a path such as realm_access.roles");
        var given = new[]
        {
            (ClaimComparison.OneOf, r.List($"{path}.oneOf")),
            (ClaimComparison.OneOf, One(r, $"{path}.equals")),
            (ClaimComparison.Prefix, One(r, $"{path}.prefix")),
            (ClaimComparison.Suffix, One(r, $"{path}.suffix")),
            (ClaimComparison.Contains, One(r, $"{path}.contains")),
        }.Where(c => c.Item2.Count > 0).ToList();
        if (given.Count != 1)
        {
            r.Fail(path, "needs exactly one of equals, oneOf, prefix, suffix, contains");
        }

        var (comparison, values) = given.FirstOrDefault();
        return new ClaimCondition(claim, comparison, values ?? [], r.Flag($"{path}.not", false));
    }

    private static IReadOnlyList<string> One(SettingsReader r, string path) => r.Optional(path) is { } value ? [value] : [];

    private static void CheckKeys(SettingsReader r, string path, BearerIssuerSettings issuer, string?[] sources)
    {
        if (sources.Count(s => s is not null) > 1)
        {
            r.Fail(path, "give one of jwksUrl, jwksFile and publicKeyFile, or none: then the issuer's discovery document says where its keys are");
        }
        else if (issuer.KeyFile is { } file && ProblemOf(file, issuer.KeyFileIsPem) is { } problem)
        {
            r.Fail($"{path}.{(issuer.KeyFileIsPem ? "publicKeyFile" : "jwksFile")}", problem);
        }
        else if (sources.All(s => s is null) && !IsAddress(issuer.Expected.Issuer, out _))
        {
            r.Fail($"{path}.issuer", $"'{issuer.Expected.Issuer}' is no https URL (http is for loopback only), so its keys can't be found: give jwksUrl, jwksFile or publicKeyFile");
        }
    }

    // Which keys in it are of use is found out when they are: a file may be replaced at any time.
    private static string? ProblemOf(string file, bool isPem)
    {
        try
        {
            var text = File.ReadAllText(file);
            if (text.Contains("PRIVATE KEY", StringComparison.Ordinal))
            {
                return $"'{file}' holds a private key: give the public one";
            }

            return (isPem ? text.Contains("PUBLIC KEY-----", StringComparison.Ordinal) : HasKeys(text))
                ? null
                : $"'{file}' is no {(isPem ? "PEM file with a public key" : "JWK set (RFC 7517, 5)")}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private static bool HasKeys(string text)
    {
        try
        {
            using var set = JsonDocument.Parse(text);
            return set.RootElement.ValueKind == JsonValueKind.Object
                && set.RootElement.TryGetProperty("keys", out var keys) && keys.ValueKind == JsonValueKind.Array && keys.GetArrayLength() > 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static IntrospectionSettings? Introspection(SettingsReader r, string path)
    {
        if (r.Children(path).Count == 0)
        {
            return null;
        }

        _ = r.Required($"{path}.url", "the issuer's introspection endpoint (RFC 7662)");
        return new IntrospectionSettings(
            Address(r, $"{path}.url") ?? new Uri("https://invalid.invalid"),
            r.Required($"{path}.clientId", "our registration, as a protected resource, at the issuer"),
            r.Secret($"{path}.clientSecret", "our registration, as a protected resource, at the issuer"),
            r.Flag($"{path}.forAll", false),
            r.Duration($"{path}.keptFor", TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)),
            r.Duration($"{path}.timeout", TimeSpan.FromSeconds(3), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(30)),
            r.Flag($"{path}.requireAudience", true));
    }

    private static Uri? Address(SettingsReader r, string path)
    {
        if (r.Optional(path) is not { } text)
        {
            return null;
        }

        if (!IsAddress(text, out var address))
        {
            r.Fail(path, $"'{text}' must be an https URL (http is for loopback only)");
        }

        return address;
    }

    private static bool IsAddress(string text, out Uri? address) =>
        Uri.TryCreate(text, UriKind.Absolute, out address)
        && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
        && address.UserInfo.Length == 0;
}
