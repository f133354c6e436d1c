using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

public sealed class ReturnUrlTests
{
    private static readonly ReturnHosts Hosts = new(
        new Uri("https://auth.example.test"), ["app.example.test", "*.apps.example.test", "odd.example.test:8443", "[::1]"]);

    [Theory]
    [InlineData("A path of our own", "/x")]
    [InlineData("The landing page", "/")]
    [InlineData("Query and fragment", "/x?a=1&a=2#top")]
    [InlineData("An escaped slash inside a segment", "/a%2Fb")]
    [InlineData("Parameters", "/a;b=1/c")]
    [InlineData("A name that begins with a dot", "/.well-known/x")]
    [InlineData("A line break in a query, escaped", "/x?text=a%0d%0ab")]
    [InlineData("Our own host", "https://auth.example.test/x")]
    [InlineData("A known host", "https://app.example.test/x?y=z")]
    [InlineData("A known host without a path", "https://app.example.test")]
    [InlineData("A known host with the usual port", "https://app.example.test:443/x")]
    [InlineData("A host below a known domain", "https://a.apps.example.test/")]
    [InlineData("A host far below a known domain", "https://a.b.apps.example.test/")]
    [InlineData("A port that is named", "https://odd.example.test:8443/")]
    [InlineData("An address", "https://[::1]/")]
    [InlineData("Another URL in the path", "/web/https://example.test/")]
    public void It_may_be(string sentence, string text)
    {
        Assert.True(ReturnUrl.TryParse(text, Hosts, out var url), sentence);
        Assert.Equal(text, url.Value);
    }

    // Each of these sends a browser somewhere else, or does so after one more decoding, or is not ours to judge.
    [Theory]
    [InlineData("nothing", null)]
    [InlineData("an empty text", "")]
    [InlineData("a relative path", "x")]
    [InlineData("a query alone", "?x=1")]
    [InlineData("a fragment alone", "#x")]
    [InlineData("another host", "https://evil.test/")]
    [InlineData("a scheme left open", "//app.example.test/")]
    [InlineData("a backslash for a slash", "/\\evil.test")]
    [InlineData("backslashes in a query", "/?a=\\b")]
    [InlineData("a tab that browsers drop", "/\t/evil.test")]
    [InlineData("a line break", "/x\r\nSet-Cookie: a=b")]
    [InlineData("a space before it", " https://app.example.test/")]
    [InlineData("an escaped backslash first", "/%5cevil.test")]
    [InlineData("an escaped slash first", "/%2fevil.test")]
    [InlineData("an escaped tab first", "/%09/evil.test")]
    [InlineData("an escaped line break in the path", "/x%0d%0aSet-Cookie:a=b")]
    [InlineData("a dot segment", "/..//evil.test")]
    [InlineData("an escaped dot segment", "/%2e%2E//evil.test")]
    [InlineData("a broken escape", "/%zz")]
    [InlineData("letters that are not ASCII", "/ｘ")]
    [InlineData("two fragments", "/x#a#b")]
    [InlineData("user information", "https://app.example.test@evil.test/")]
    [InlineData("user information with our host", "https://evil.test@app.example.test/")]
    [InlineData("a backslash before user information", "https://evil.test\\@app.example.test/")]
    [InlineData("our host as a prefix", "https://app.example.test.evil.test/")]
    [InlineData("our host as a suffix", "https://xapp.example.test/")]
    [InlineData("an escaped dot in the host", "https://app.example.test%2eevil.test/")]
    [InlineData("the dot of the root", "https://app.example.test./")]
    [InlineData("the domain of a wildcard itself", "https://apps.example.test/")]
    [InlineData("an unknown port", "https://app.example.test:8443/")]
    [InlineData("the usual port where another is named", "https://odd.example.test/")]
    [InlineData("an empty port", "https://app.example.test:/")]
    [InlineData("plain http, for we are on https", "http://app.example.test/")]
    [InlineData("one slash", "https:/app.example.test/")]
    [InlineData("three slashes", "https:///app.example.test/")]
    [InlineData("a query right behind the host", "https://app.example.test?x")]
    [InlineData("a doubled slash on a known host", "https://app.example.test//evil.test")]
    [InlineData("a script", "javascript:alert(1)")]
    [InlineData("another scheme", "ftp://app.example.test/")]
    public void It_is_never(string sentence, string? text)
    {
        Assert.False(ReturnUrl.TryParse(text, Hosts, out var url), sentence);
        Assert.Same(ReturnUrl.Home, url);
        Assert.Equal("/", url.Value);
    }

    [Fact]
    public void It_may_be_8_KiB_long_and_no_longer()
    {
        Assert.True(ReturnUrl.TryParse("/" + new string('a', 8191), Hosts, out _));
        Assert.False(ReturnUrl.TryParse("/" + new string('a', 8192), Hosts, out _));
    }

    [Theory]
    [InlineData("our own port", "http://app.example.test:8080/", true)]
    [InlineData("the usual port", "http://app.example.test/", true)]
    [InlineData("TLS on its usual port", "https://app.example.test/", true)]
    [InlineData("TLS on our plain port", "https://app.example.test:8080/", false)]
    [InlineData("some other port", "http://app.example.test:8081/", false)]
    public void Reached_by_http_on_port_8080_we_return_to(string sentence, string text, bool expected)
    {
        var hosts = new ReturnHosts(new Uri("http://localhost:8080"), ["app.example.test"]);

        Assert.True(expected == ReturnUrl.TryParse(text, hosts, out _), sentence);
    }

    [Fact]
    public void The_hosts_of_the_rules_are_known()
    {
        var hosts = new ReturnHosts(
            new Uri("https://auth.example.test"),
            AccessSpec.Policy(AccessSpec.Authenticated(), AccessSpec.Authenticated() with { Host = "*.more.test" }));

        Assert.True(ReturnUrl.TryParse("https://app.example.test/", hosts, out _));
        Assert.True(ReturnUrl.TryParse("https://a.more.test/", hosts, out _));
        Assert.False(ReturnUrl.TryParse("https://more.test/", hosts, out _));
    }

    [Theory]
    [InlineData("*")]
    [InlineData("https://app.example.test")]
    [InlineData("app.example.test:port")]
    [InlineData("")]
    public void A_list_of_hosts_that_cannot_be_read_is_not_made(string host) =>
        Assert.Throws<ArgumentException>(() => new ReturnHosts(new Uri("https://auth.example.test"), [host]));

    [Theory]
    [InlineData("/a/b?c=d")]
    [InlineData("/a?b=\\c\"<d>")]
    [InlineData("/a;b/c%20d?e=%5c")]
    [InlineData("/%C3%A9")]
    public void Where_a_request_came_from_it_can_return_to(string uri) =>
        Assert.True(ReturnUrl.TryParse(AccessSpec.Request(uri, "APP.example.test.").Url, Hosts, out _));
}
