using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

public sealed class RequestPathTests
{
    [Theory]
    [InlineData("A plain path is itself", "/a/b", "/a/b")]
    [InlineData("The root is itself", "/", "/")]
    [InlineData("A trailing slash stays", "/a/", "/a/")]
    [InlineData("The query is no part of it", "/a?b=/../c", "/a")]
    [InlineData("A question mark alone is a query", "/a?", "/a")]
    [InlineData("Escapes are read", "/%61%20b", "/a b")]
    [InlineData("UTF-8 is read", "/caf%C3%A9", "/café")]
    [InlineData("An escaped question mark begins no query", "/secret%3f/public/", "/secret?/public/")]
    [InlineData("An escaped number sign begins no fragment", "/secret%23/public/", "/secret#/public/")]
    [InlineData("An escaped percent sign is one", "/100%25", "/100%")]
    [InlineData("A dot segment goes", "/a/./b", "/a/b")]
    [InlineData("Two dots take a segment along", "/a/b/../c", "/a/c")]
    [InlineData("Two dots at the end leave a folder", "/a/b/..", "/a/")]
    [InlineData("One dot at the end leaves a folder", "/a/.", "/a/")]
    [InlineData("Nothing is above the root", "/../../a", "/a")]
    [InlineData("Escaped dots are dots", "/a/%2e%2E/b", "/b")]
    [InlineData("Half escaped dots are dots", "/a/.%2e/b", "/b")]
    [InlineData("Doubled slashes are one", "/a//b///c", "/a/b/c")]
    [InlineData("A name with dots is a name", "/.well-known/..x/...", "/.well-known/..x/...")]
    [InlineData("Parameters stay", "/a;b=1/c", "/a;b=1/c")]
    [InlineData("A plus sign is a plus sign", "/a+b", "/a+b")]
    public void It_is_read_as(string sentence, string uri, string expected) =>
        Assert.True(expected == AccessSpec.Request(uri).Path.ToString(), sentence);

    [Theory]
    [InlineData("an escaped slash beside dot segments", "/a%2Fb/../c")]
    [InlineData("an escaped slash beside a doubled one", "/a%2Fb//c")]
    [InlineData("an escaped slash beside a parameter", "/a%2Fb;x/c")]
    [InlineData("a backslash", "/a\\b")]
    [InlineData("an escaped backslash", "/a%5cb")]
    [InlineData("an escaped NUL", "/a%00b")]
    [InlineData("an escaped newline", "/secret%0a/public/x")]
    [InlineData("an escaped carriage return", "/secret/%0d%0a/public/x")]
    [InlineData("an escaped DEL", "/a%7f")]
    [InlineData("an escaped C1 control", "/a%C2%85b")]
    [InlineData("dots escaped twice", "/public/%252e%252e/secret")]
    [InlineData("a slash escaped twice", "/a%252fb")]
    [InlineData("a letter escaped twice", "/%2561dmin")]
    [InlineData("an escape out of escapes", "/%25%36%31dmin")]
    [InlineData("an overlong dot", "/public/%c0%ae%c0%ae/secret")]
    [InlineData("a lone continuation byte", "/%80")]
    [InlineData("a character cut off", "/%e2%82")]
    [InlineData("a surrogate in UTF-8", "/%ed%a0%80")]
    [InlineData("a parameter on two dots", "/public/..;/secret")]
    [InlineData("an escaped parameter on two dots", "/public/..%3b/secret")]
    [InlineData("a parameter on one dot", "/public/.;x=1/secret")]
    [InlineData("a parameter before a dot segment", "/public;/../secret")]
    [InlineData("an empty parameter before a dot segment", "/public/;/../secret")]
    [InlineData("an escaped question mark on two dots", "/public/..%3f")]
    [InlineData("an escaped number sign on two dots", "/public/..%23/secret")]
    [InlineData("a dot segment behind a doubled slash", "/a//../b")]
    public void Nobody_can_say_how_to_read(string sentence, string uri)
    {
        Assert.False(ForwardedRequest.TryParse("GET", "https", AccessSpec.Host, uri, out _, out var reason), sentence);
        Assert.Equal(DenyReason.AmbiguousPath, reason);
    }

    [Fact]
    public void The_same_oddities_in_a_query_harm_nobody() =>
        Assert.Equal("/a", AccessSpec.Request("/a?b=%2f%5c%00%c0%ae%252e..;/../\\").Path.ToString());
}
