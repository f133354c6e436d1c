using EventAuth.Domain.Access;
using EventAuth.Domain.Tests.Access;

namespace EventAuth.Domain.Tests.Fuzz;

/// <summary>Any account of a request that a proxy can give: no exception, and never more than a second opinion would allow.</summary>
public sealed class ForwardedRequestFuzzTests
{
    private const int Rounds = 100_000;
    private const char Mark = '\u001e';

    private static readonly string[] Hosts = [AccessSpec.Host, "APP.example.test", "app.example.test:8443", "app.example.test.", "evil.test", "[::1]:80"];

    private static readonly string[] Uris =
    [
        "/", "/public", "/public/", "/public/a/b.png", "/public/a?b=/../admin", "/admin", "/admin/users?x=1", "/secret", "/a/public/b", "/docs/../notes",
        "/public/../admin", "/public/%2e%2e/admin", "/public;x=1/a", "/public/a;v=2", "//public//a", "/public%2fa", "/public/group%2Fproject", "/admin%3Fx",
        "/%70ublic/a", "/a%20b/%C3%A9", "/public/./a", "/publicx", "/?x=100%", "/admin;/x", "/public/..;/admin",
    ];

    private static readonly AccessPolicy Policy = AccessSpec.Policy(
        AccessSpec.Public("/public"), AccessSpec.Restricted("/admin") with { Groups = ["admins"] }, AccessSpec.Authenticated());

    [Fact]
    public void Nobody_passes_where_a_second_opinion_would_not_let_them()
    {
        var (passed, refused) = (0, 0);
        FuzzRun.Run(Rounds, Uris, Account, account =>
        {
            var parts = account.Split(Mark);
            var place = RuleOracle.Of(parts[0], parts[2], parts[3]);
            var stranger = Decide(parts, SessionStanding.None);
            var member = Decide(parts, SessionStanding.Valid(AccessSpec.Person()));
            var admin = Decide(parts, SessionStanding.Valid(AccessSpec.Person(groups: ["admins"])));

            if (stranger is AccessDecision.AllowPublic or AccessDecision.Allow)
            {
                passed++;
                Assert.Equal(RuleOracle.Place.Public, place);
            }

            if (member is AccessDecision.Allow or AccessDecision.AllowPublic)
            {
                Assert.True(place is RuleOracle.Place.Public or RuleOracle.Place.Members, $"{place}");
            }

            if (admin is AccessDecision.Allow or AccessDecision.AllowPublic)
            {
                Assert.True(place is not (RuleOracle.Place.Refuse or RuleOracle.Place.NoRule), $"{place}");
            }

            refused += stranger is AccessDecision.Deny ? 1 : 0;
        });

        // Inputs that are all refused, or all let pass, would prove nothing.
        Assert.True(passed > 0 && refused > 0, $"{passed} passed, {refused} refused");
    }

    [Fact]
    public void A_decision_is_the_second_opinion_or_a_refusal() => FuzzRun.Run(Rounds, Uris, Account, account =>
    {
        var parts = account.Split(Mark);
        var decision = Decide(parts, SessionStanding.None);
        if (decision is AccessDecision.Deny)
        {
            return;
        }

        AccessDecision expected = RuleOracle.Of(parts[0], parts[2], parts[3]) switch
        {
            RuleOracle.Place.Public => AccessDecision.AllowPublic.Instance,
            RuleOracle.Place.Admin or RuleOracle.Place.Members => AccessDecision.SignIn.Instance,
            _ => AccessDecision.Deny.Because(DenyReason.AmbiguousPath),
        };
        Assert.Equal(expected, decision);
    });

    [Fact]
    public void What_is_parsed_is_clean_enough_to_be_repeated() => FuzzRun.Run(Rounds, Uris, Account, account =>
    {
        var parts = account.Split(Mark);
        if (!ForwardedRequest.TryParse(parts[0], parts[1], parts[2], parts[3], out var request, out _))
        {
            Assert.Equal(default, request);
            return;
        }

        Assert.All(request.Url, c => Assert.True(c is > ' ' and <= '~' and not ('"' or '<' or '>' or '\\'), request.Url));
        if (Uri.TryCreate(request.Url, UriKind.Absolute, out var url) && url.HostNameType == UriHostNameType.Dns)
        {
            Assert.Equal((request.Proto, request.Host, ""), (url.Scheme, url.Host, url.UserInfo));
        }
    });

    [Fact]
    public void No_name_of_a_header_makes_the_look_for_aliases_stumble()
    {
        string[] names = [.. Contracts.IdentityHeaders.All, "X-Forwarded-Host", "X-Real-Ip", "Remote-User", "X-User", "Cookie", "X_Forwarded_User", "X.User.Roles"];
        FuzzRun.Run(Rounds, names, m => m.Change(m.Pick(names)), name =>
        {
            // By the book: what is ours but for its separators, and is not spelt with hyphens, is an alias.
            var spelt = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-'));
            var ours = spelt.StartsWith("x-forwarded-", StringComparison.Ordinal)
                || names.Take(names.Length - 2).Where(n => n != "Cookie").Any(n => n.Equals(spelt, StringComparison.OrdinalIgnoreCase));
            var plain = name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');

            Assert.Equal(ours && !plain, HeaderAliases.IsAlias(name));
        });
    }

    private static AccessDecision Decide(string[] parts, SessionStanding standing) =>
        ForwardedRequest.TryParse(parts[0], parts[1], parts[2], parts[3], out var request, out var reason)
            ? AccessDecider.Decide(request, RequestKind.Navigation, standing, Policy)
            : AccessDecision.Deny.Because(reason);

    private static string Account(Mutator mutator)
    {
        string[] parts = ["GET", "https", mutator.Pick(Hosts), mutator.Pick(Uris)];
        var at = mutator.OneIn(4) ? mutator.Below(4) : 3;
        parts[at] = mutator.Change(parts[at]).Replace(Mark, ' ');
        parts[3] = mutator.OneIn(3) ? mutator.Change(parts[3]).Replace(Mark, ' ') : parts[3];
        return string.Join(Mark, parts);
    }
}
