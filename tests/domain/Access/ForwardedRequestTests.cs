using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

public sealed class ForwardedRequestTests
{
    [Fact]
    public void A_well_formed_account_becomes_a_request()
    {
        var request = AccessSpec.Request("/a/b?x=1", "app.example.test:8443", "POST");

        Assert.Equal("POST", request.Method);
        Assert.Equal("https", request.Proto);
        Assert.Equal("app.example.test", request.Host);
        Assert.Equal("app.example.test:8443", request.Authority);
        Assert.Equal("/a/b?x=1", request.Uri);
        Assert.Equal("/a/b", request.Path.ToString());
        Assert.Equal("https://app.example.test:8443/a/b?x=1", request.Url);
    }

    [Theory]
    [InlineData("without a method", null, "https", "app.example.test", "/")]
    [InlineData("with an empty method", "", "https", "app.example.test", "/")]
    [InlineData("with a method that is no token", "GET /", "https", "app.example.test", "/")]
    [InlineData("with a method of 33 characters", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG", "https", "app.example.test", "/")]
    [InlineData("without a scheme", "GET", null, "app.example.test", "/")]
    [InlineData("with an empty scheme", "GET", "", "app.example.test", "/")]
    [InlineData("with a scheme that is none of the web's", "GET", "ftp", "app.example.test", "/")]
    [InlineData("with two schemes in one value", "GET", "https, http", "app.example.test", "/")]
    [InlineData("without a host", "GET", "https", null, "/")]
    [InlineData("with a NUL behind the port", "GET", "https", "app.example.test:80\0", "/")]
    [InlineData("with a NUL behind the port of an address", "GET", "https", "[::1]:80\0", "/")]
    [InlineData("without a URI", "GET", "https", "app.example.test", null)]
    [InlineData("with an empty URI", "GET", "https", "app.example.test", "")]
    [InlineData("with the URI of OPTIONS *", "GET", "https", "app.example.test", "*")]
    [InlineData("with an absolute URI", "GET", "https", "app.example.test", "http://evil/public/x")]
    [InlineData("with a relative URI", "GET", "https", "app.example.test", "public/x")]
    [InlineData("with a fragment", "GET", "https", "app.example.test", "/secret#/public/")]
    [InlineData("with a space", "GET", "https", "app.example.test", "/a b")]
    [InlineData("with a newline", "GET", "https", "app.example.test", "/a\nb")]
    [InlineData("with a NUL", "GET", "https", "app.example.test", "/a\0b")]
    [InlineData("with a DEL", "GET", "https", "app.example.test", "/a\x7F")]
    [InlineData("with letters that are not ASCII", "GET", "https", "app.example.test", "/café")]
    [InlineData("with half an escape in its path", "GET", "https", "app.example.test", "/a%2")]
    [InlineData("with an escape that is not hexadecimal", "GET", "https", "app.example.test", "/a%zz")]
    public void It_is_malformed(string sentence, string? method, string? proto, string? host, string? uri)
    {
        var parsed = ForwardedRequest.TryParse(method, proto, host, uri, out var request, out var reason);

        Assert.False(parsed, sentence);
        Assert.Equal(DenyReason.MalformedRequest, reason);
        Assert.Equal(default, request);
    }

    [Fact]
    public void A_URI_may_be_8_KiB_long_and_no_longer()
    {
        Assert.True(Parses("/" + new string('a', 8191)));
        Assert.False(Parses("/" + new string('a', 8192)));
    }

    [Theory]
    [InlineData("a handshake over TLS is https", "wss", "https")]
    [InlineData("a plain handshake is http", "ws", "http")]
    [InlineData("https is itself", "https", "https")]
    [InlineData("http is itself", "http", "http")]
    public void A_WebSocket_has_the_scheme_of_the_page(string sentence, string sent, string expected)
    {
        var parsed = ForwardedRequest.TryParse("GET", sent, AccessSpec.Host, "/", out var request, out _);

        Assert.True(parsed, sentence);
        Assert.Equal(expected, request.Proto);
    }

    // CVE-2026-48794: a host compared with its case skipped a rule. So a host has exactly one spelling here.
    [Theory]
    [InlineData("capitals", "A.Example.ORG", "a.example.org", "a.example.org")]
    [InlineData("the dot of the root", "app.example.org.", "app.example.org", "app.example.org")]
    [InlineData("the usual port", "app.example.org:443", "app.example.org", "app.example.org:443")]
    [InlineData("another port", "app.example.org:8443", "app.example.org", "app.example.org:8443")]
    [InlineData("dot, capitals and port at once", "APP.example.org.:8443", "app.example.org", "app.example.org:8443")]
    [InlineData("an IPv6 address", "[::1]", "[::1]", "[::1]")]
    [InlineData("an IPv6 address with capitals and port", "[FE80::1]:8080", "[fe80::1]", "[fe80::1]:8080")]
    [InlineData("an IPv4 address", "127.0.0.1:8080", "127.0.0.1", "127.0.0.1:8080")]
    [InlineData("punycode", "xn--bcher-kva.example.org", "xn--bcher-kva.example.org", "xn--bcher-kva.example.org")]
    [InlineData("letters that are not ASCII", "BÜCHER.example.org", "xn--bcher-kva.example.org", "xn--bcher-kva.example.org")]
    [InlineData("the ideographic full stop", "app。example。org", "app.example.org", "app.example.org")]
    public void A_host_has_one_spelling_in_spite_of(string sentence, string sent, string host, string authority)
    {
        var request = AccessSpec.Request("/", sent);

        Assert.True(host == request.Host, sentence);
        Assert.Equal(authority, request.Authority);
    }

    [Theory]
    [InlineData("nothing", "")]
    [InlineData("a dot", ".")]
    [InlineData("two trailing dots", "app.example.org..")]
    [InlineData("an empty label", "app..example.org")]
    [InlineData("a leading dot", ".example.org")]
    [InlineData("user information", "app.example.org@evil")]
    [InlineData("two hosts", "app.example.org, evil")]
    [InlineData("a space before it", " app.example.org")]
    [InlineData("a path", "app.example.org/x")]
    [InlineData("a backslash", "app.example.org\\x")]
    [InlineData("an escape", "app%2eexample.org")]
    [InlineData("a newline", "app.example.org\r\nX: y")]
    [InlineData("a NUL", "app.example.org\0")]
    [InlineData("an empty port", "app.example.org:")]
    [InlineData("port 0", "app.example.org:0")]
    [InlineData("a port with a leading zero", "app.example.org:0443")]
    [InlineData("a port too large", "app.example.org:65536")]
    [InlineData("a signed port", "app.example.org:+80")]
    [InlineData("two ports", "app.example.org:80:80")]
    [InlineData("a port of letters", "app.example.org:http")]
    [InlineData("an IPv6 address without brackets", "::1")]
    [InlineData("an open bracket", "[::1")]
    [InlineData("brackets around a name", "[app.example.org]")]
    [InlineData("brackets around IPv4", "[127.0.0.1]")]
    [InlineData("an IPv6 zone", "[fe80::1%eth0]")]
    [InlineData("text behind an IPv6 address", "[::1]evil")]
    [InlineData("a wildcard", "*.example.org")]
    [InlineData("a label that begins with a hyphen", "-app.example.org")]
    public void No_host_is(string sentence, string host)
    {
        Assert.False(ForwardedRequest.TryParse("GET", "https", host, "/", out _, out var reason), sentence);
        Assert.Equal(DenyReason.MalformedRequest, reason);
    }

    [Theory]
    [InlineData("253 characters are the most a name has", 253, true)]
    [InlineData("254 are too many", 254, false)]
    [InlineData("300 are too many", 300, false)]
    public void A_host_name_has_a_limit(string sentence, int length, bool expected)
    {
        var host = string.Concat(Enumerable.Repeat("a.", 200))[..(length - 1)].TrimEnd('.');
        host = host.PadRight(length, 'b');

        Assert.Equal(length, host.Length);
        Assert.True(expected == ForwardedRequest.TryParse("GET", "https", host, "/", out _, out _), sentence);
    }

    [Fact]
    public void A_label_of_64_characters_is_no_label() =>
        Assert.False(ForwardedRequest.TryParse("GET", "https", new string('a', 64) + ".test", "/", out _, out _));

    [Theory]
    [InlineData("a backslash", "/?a=\\b", "https://app.example.test/?a=%5Cb")]
    [InlineData("quotes and angles", "/?a=\"<b>\"", "https://app.example.test/?a=%22%3Cb%3E%22")]
    [InlineData("nothing at all", "/?a=%5c&b[]=1", "https://app.example.test/?a=%5c&b[]=1")]
    public void The_URL_to_return_to_has_escaped(string sentence, string uri, string expected) =>
        Assert.True(expected == AccessSpec.Request(uri).Url, sentence);

    private static bool Parses(string uri) => ForwardedRequest.TryParse("GET", "https", AccessSpec.Host, uri, out _, out _);

    // Browsers send "?q=100%" as it was typed, and proxies let it through: refusing it would refuse real people.
    [Fact]
    public void A_lone_percent_sign_in_the_query_is_no_fault_and_comes_back_escaped() =>
        Assert.Equal("https://app.example.test/a?b=100%25&c=%20", AccessSpec.Request("/a?b=100%&c=%20").Url);
}
