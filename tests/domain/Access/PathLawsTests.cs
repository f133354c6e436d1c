using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

/// <summary>What holds for any path somebody can think of; the paths are made of the pieces that bypasses are made of.</summary>
public sealed class PathLawsTests
{
    private const int Paths = 50_000;

    private static readonly string[] Pieces =
    [
        "/", "/", "/", "//", "public", "public", "secret", ".", "..", "..", ";", ";x=1", "%2e", "%2E%2e", "%2f", "%5c", "\\",
        "%25", "%252e", "%00", "%0a", "%c0%ae", "%70ublic", "%3b", "%3f", "%23", "?", "#", "a", "%C3%A9", "%80", "%",
    ];

    private static readonly AccessPolicy Policy = AccessSpec.Policy(AccessSpec.Public("/public"), AccessSpec.Authenticated());

    [Fact]
    public void A_path_that_rules_see_is_resolved()
    {
        var seen = 0;
        foreach (var uri in Uris().Where(Parses))
        {
            var path = AccessSpec.Request(uri).Path.ToString();
            seen++;

            Assert.True(path.StartsWith('/') && !path.Contains("//", StringComparison.Ordinal), $"{uri} is {path}");
            Assert.DoesNotContain(path.Split('/'), s => s is "." or "..");
        }

        Assert.InRange(seen, Paths / 20, Paths);
    }

    // The servers of the model stand for what is really behind us: one that resolves dots as browsers do, one that merges
    // slashes first, one that resolves nothing, and each of them also with parameters cut off.
    [Fact]
    public void Whatever_passes_without_a_session_is_open_for_every_kind_of_server()
    {
        var passed = 0;
        foreach (var uri in Uris().Where(u => AccessSpec.AskRaw(Policy, u) is AccessDecision.AllowPublic))
        {
            passed++;
            foreach (var path in ReadingsOf(uri))
            {
                Assert.True(path == "/public" || path.StartsWith("/public/", StringComparison.Ordinal), $"{uri} is {path}");
            }
        }

        Assert.InRange(passed, Paths / 200, Paths);
    }

    private static IEnumerable<string> ReadingsOf(string uri)
    {
        var raw = uri.Split('?')[0];
        foreach (var path in new[] { raw, Uri.UnescapeDataString(raw) })
        {
            foreach (var text in new[] { path, WithoutParameters(path) })
            {
                yield return Uri.UnescapeDataString(text);
                yield return Resolve(text);
                yield return Resolve(Merge(text));
            }
        }
    }

    private static string Resolve(string path) => Uri.UnescapeDataString(new Uri("http://host" + path).AbsolutePath);

    private static string Merge(string path) => string.Join('/', path.Split('/').Where((s, i) => i == 0 || s.Length > 0));

    private static string WithoutParameters(string path) => string.Join('/', path.Split('/').Select(s => s.Split(';')[0]));

    private static bool Parses(string uri) =>
        ForwardedRequest.TryParse("GET", "https", AccessSpec.Host, uri, out _, out _);

    // A generator of our own with a fixed start: the same paths in every run (Knuth's MMIX constants).
    private static IEnumerable<string> Uris()
    {
        var state = 20_240_229UL;
        int Next(int below)
        {
            state = unchecked((state * 6_364_136_223_846_793_005UL) + 1_442_695_040_888_963_407UL);
            return (int)((state >> 33) % (ulong)below);
        }

        for (var i = 0; i < Paths; i++)
        {
            yield return "/" + string.Concat(Enumerable.Range(0, Next(9)).Select(_ => Pieces[Next(Pieces.Length)]));
        }
    }
}
