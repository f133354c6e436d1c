using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

public sealed class HotPathTests
{
    private static readonly AccessPolicy Policy = AccessSpec.Policy(
        new Dictionary<string, IReadOnlyList<string>> { ["staff"] = ["bob", "carol@example.test"] },
        AccessSpec.Public("/public"),
        AccessSpec.Restricted() with { Users = ["zoe"], EmailDomains = ["other.test"], Groups = ["staff"], Roles = ["ops"] },
        AccessSpec.Authenticated() with { Host = "*.example.test" });

    private static readonly SessionStanding Allowed =
        SessionStanding.Valid(AccessSpec.Person("1", "a@example.test", ["users", "guests"], ["reader", "ops"]));

    private static readonly SessionStanding Refused = SessionStanding.Valid(AccessSpec.Person("1", "a@example.test", ["users"]));

    [Fact]
    public void Deciding_a_usual_request_allocates_nothing()
    {
        Assert.Equal(0, AllocatedBy(() => Decide("app.example.test", "/files/.config/a.b?c=%2f", Allowed)));
        Assert.Equal(0, AllocatedBy(() => Decide("app.example.test", "/files", Refused)));
        Assert.Equal(0, AllocatedBy(() => Decide("a.b.example.test", "/", SessionStanding.None)));
        Assert.Equal(0, AllocatedBy(() => Decide("nobody.test", "/", Allowed)));
    }

    [Fact]
    public void Telling_the_kind_of_a_request_allocates_nothing()
    {
        Assert.Equal(0, AllocatedBy(() => Classify("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "navigate")));
        Assert.Equal(0, AllocatedBy(() => Classify("application/json, text/plain, */*;q=0.1", null)));
    }

    [Fact]
    public void Looking_for_aliases_allocates_nothing() =>
        Assert.Equal(0, AllocatedBy(() => _ = HeaderAliases.IsAlias("X-Forwarded-User") | HeaderAliases.IsAlias("X_Real.Ip")));

    // A check that can't fail proves nothing: this is what one allocation looks like.
    [Fact]
    public void A_host_in_another_spelling_does_allocate() =>
        Assert.NotEqual(0, AllocatedBy(() => Decide("APP.example.test", "/", Allowed)));

    private static void Decide(string host, string uri, SessionStanding standing)
    {
        if (!ForwardedRequest.TryParse("GET", "https", host, uri, out var request, out _))
        {
            throw new InvalidOperationException($"{host}{uri} was refused");
        }

        _ = AccessDecider.Decide(request, RequestKind.Navigation, standing, Policy);
    }

    private static void Classify(string accept, string? mode) =>
        _ = new RequestHints { Method = "GET", Accept = accept, FetchMode = mode, FetchDest = "document" }.Classify();

    private static long AllocatedBy(Action action)
    {
        for (var i = 0; i < 100; i++)
        {
            action();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            action();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
