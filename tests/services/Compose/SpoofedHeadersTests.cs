using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Compose;

[Collection(Caddy.Collection)]
public sealed class SpoofedBehindCaddyTests(Caddy edge) : SpoofedHeadersTests(edge.World, "caddy");

[Collection(Nginx.Collection)]
public sealed class SpoofedBehindNginxTests(Nginx edge) : SpoofedHeadersTests(edge.World, "nginx");

/// <summary>
/// The whole way, with real proxies: every header of ours and of theirs in every spelling, sent by somebody of low privilege
/// and by nobody. Whoever reaches the application is told of as who they are.
/// </summary>
public abstract class SpoofedHeadersTests(ComposeWorld world, string edge)
{
    [ComposeFact]
    public Task TH1_to_TH5_no_spelling_of_any_header_tells_the_application_a_lie() => AssertNoLieArrivesAsync(world, edge);

    // The proxy, the gateway and the application each read a path in their own way: the first two must never let through
    // what the third reads as something else.
    [ComposeFact]
    public async Task TP4_what_the_gateway_judged_is_what_the_application_is_asked_for()
    {
        using var bob = world.NewBrowser();
        await bob.SignInAsync("bob");
        var spoofs = new List<Spoof>();
        foreach (var path in Paths)
        {
            spoofs.Add(await Spoofing.TellAsync(world, "nobody", path.Replace("admin", "deep", StringComparison.Ordinal), cookie: null, "X-Path: 1"));
            spoofs.Add(await Spoofing.TellAsync(world, "bob", path, bob.SessionCookie, "X-Path: 1"));
        }

        foreach (var spoof in spoofs.Where(s => s.Heard is not null))
        {
            var url = spoof.As("url").Single();
            var readings = Readings(url);
            Assert.True(spoof.Who == "nobody" ? readings.All(r => IsBelow(r, "/public")) : !readings.Any(r => IsBelow(r, "/admin")), $"{spoof.Who} reached {url}");
        }

        Assert.Contains(spoofs, s => s.Heard is not null);
        Assert.Contains(spoofs, s => s.Heard is null);
    }

    // CVE-2026-54762: a proxy that could not ask let everybody in.
    [ComposeFact]
    public async Task With_every_gateway_dead_nobody_reaches_the_application()
    {
        using var alice = world.NewBrowser();
        await alice.SignInAsync("alice");
        string[] gateways = [.. Enumerable.Range(1, world.Gateways.Count).Select(i => $"gateway-{i}")];
        var hits = await world.HitsAsync();
        foreach (var gateway in gateways)
        {
            await world.KillAsync(gateway);
        }

        try
        {
            foreach (var path in new[] { "/deep", "/public/a", "/admin/" })
            {
                var spoof = await Spoofing.TellAsync(world, "alice", path, alice.SessionCookie, "X-Forwarded-User: alice");
                Assert.True(spoof.Heard is null && spoof.Status >= 500, $"{path}: {spoof.Status}");
            }

            Assert.Equal(hits, await world.HitsAsync());
        }
        finally
        {
            Array.ForEach(gateways, world.StartAgain);
        }

        // The replica that forgot everything finds the session in the store, and the proxy finds the replicas.
        await Until.TrueAsync("the gateways are back", async () =>
            (await Spoofing.TellAsync(world, "alice", "/deep", alice.SessionCookie, "X-Path: 1")).Heard is not null, TimeSpan.FromSeconds(60));
        await Until.TrueAsync("all of them", async () => await AnswerAsync(alice), TimeSpan.FromSeconds(60));
    }

    private static async Task<bool> AnswerAsync(ScriptedBrowser browser)
    {
        try
        {
            return (await browser.AskGatewaysAsync()).All(s => s == HttpStatusCode.OK);
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    internal static async Task AssertNoLieArrivesAsync(ComposeWorld world, string edge)
    {
        using var bob = world.NewBrowser();
        await bob.SignInAsync("bob");
        var hits = await world.HitsAsync();
        var outside = await Spoofing.TellAllAsync(world, "nobody, /deep", "/deep", cookie: null);
        var hitsOfNobody = await world.HitsAsync() - hits;
        var inside = await Spoofing.TellAllAsync(world, "bob, /deep", "/deep", bob.SessionCookie);
        var open = await Spoofing.TellAllAsync(world, "nobody, /public/a", "/public/a", cookie: null);
        Spoofing.Report(edge, [.. inside, .. open, .. outside]);

        Assert.Equal(0, hitsOfNobody);
        Assert.All(outside, s => Assert.True(s.Heard is null && s.Status is 0 or >= 300 and < 500, $"{s.Sent}: {s.Status}"));
        Assert.All(inside.Concat(open).Where(s => s.Heard is not null), s =>
        {
            // A folded line is unfolded by some proxies, and is then part of the harmless value before it.
            Assert.DoesNotContain(s.Heard!, h => h.Name != "X-Harmless" && h.Value.Contains(Spoofing.Lie, StringComparison.OrdinalIgnoreCase));
            Assert.All(IdentityHeaders.All, name => Assert.InRange(s.As(name).Count(), 0, 1));
        });
        Assert.All(inside.Where(s => s.Heard is not null), s =>
        {
            Assert.Equal(["bob"], s.As(IdentityHeaders.User));
            Assert.Equal(["bob"], s.As(IdentityHeaders.AuthRequestUser));
            Assert.Equal(["user"], s.As(IdentityHeaders.Roles));
        });
        Assert.All(open.Where(s => s.Heard is not null), s =>
            Assert.All(IdentityHeaders.All, name => Assert.All(s.As(name), value => Assert.Equal("", value))));

        // What is refused must not be all there is: honest names reach the application, with the truth.
        Assert.True(inside.Count(s => s.Heard is not null) > inside.Count / 4, $"{inside.Count(s => s.Heard is not null)} of {inside.Count}");
        Assert.All(inside.Concat(open).Where(s => s.Heard is null), s => Assert.True(s.Status is 0 or (>= 400 and < 500), $"{s.Sent}: {s.Status}"));
    }

    private static readonly string[] Paths =
    [
        "/public/a", "/public/a?b=/../admin", "/deep", "/admin", "/admin/", "/public/../admin", "/public/..%2fadmin", "/public/%2e%2e/admin", "/public/%2e%2e%2fadmin",
        "/public/..;/admin", "/public;/../admin", "/public/;/../admin", "/public%2f..%2fadmin", "/public\\..\\admin", "/public/%5c..%5cadmin",
        "//public/../admin", "/./public/../admin", "/public/%252e%252e/admin", "/public/%c0%ae%c0%ae/admin", "/public/.%00./admin", "/PUBLIC/x", "/public.evil",
        "/publicx", "/admin?/public/", "/admin?x=/public/a", "/admin#/public/", "/admin%23/public/", "/admin%3f/public/", "/admin%0a/public/x",
        "/admin/%0d%0a/public/x", "//admin", "/.//admin", "/deep/../admin", "/admin;x=1", "/%61dmin", "/admin%2fx", "/deep/..//admin", "/public/a;/../../admin",
    ];

    private static HashSet<string> Readings(string url)
    {
        var raw = url.Split('?', '#')[0];
        HashSet<string> all = [];
        foreach (var text in new[] { raw, Uri.UnescapeDataString(raw) })
        {
            foreach (var path in new[] { text, string.Join('/', text.Split('/').Select(s => s.Split(';')[0])) })
            {
                all.Add(Uri.UnescapeDataString(path));
                all.Add(Uri.UnescapeDataString(new Uri("http://host" + path).AbsolutePath));
            }
        }

        return all;
    }

    private static bool IsBelow(string path, string folder) => path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);
}
