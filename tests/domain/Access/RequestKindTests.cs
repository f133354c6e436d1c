using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

public sealed class RequestKindTests
{
    private const string BrowserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

    [Theory]
    [InlineData("A page in the address bar", "navigate", "document", BrowserAccept, RequestKind.Navigation)]
    [InlineData("A page, by a browser that names no destination", "navigate", null, BrowserAccept, RequestKind.Navigation)]
    [InlineData("A page whose Accept is odd", "navigate", "document", "application/json", RequestKind.Navigation)]
    [InlineData("A frame", "navigate", "iframe", BrowserAccept, RequestKind.Api)]
    [InlineData("An embedded object", "navigate", "object", BrowserAccept, RequestKind.Api)]
    [InlineData("fetch() across origins", "cors", "empty", "*/*", RequestKind.Api)]
    [InlineData("fetch() that asks for HTML", "cors", "empty", "text/html", RequestKind.Api)]
    [InlineData("fetch() at home", "same-origin", "empty", "*/*", RequestKind.Api)]
    [InlineData("An image", "no-cors", "image", "image/avif,*/*;q=0.8", RequestKind.Api)]
    [InlineData("A script", "no-cors", "script", "*/*", RequestKind.Api)]
    [InlineData("A mode nobody has heard of", "telepathy", "document", BrowserAccept, RequestKind.Api)]
    [InlineData("Only a destination that is no page", null, "image", "*/*", RequestKind.Api)]
    [InlineData("A handshake as browsers mark it", "websocket", "empty", "*/*", RequestKind.WebSocket)]
    [InlineData("EventSource", "cors", "empty", "text/event-stream", RequestKind.EventStream)]
    public void A_browser_says_what_it_is_doing(string sentence, string? mode, string? dest, string accept, RequestKind expected)
    {
        var hints = new RequestHints { Method = "GET", FetchMode = mode, FetchDest = dest, Accept = accept };

        Assert.True(expected == hints.Classify(), $"{sentence}: {hints.Classify()}");
    }

    [Theory]
    [InlineData("An old browser", BrowserAccept, RequestKind.Navigation)]
    [InlineData("HTML in capitals", "TEXT/HTML", RequestKind.Navigation)]
    [InlineData("XHTML", "application/xhtml+xml", RequestKind.Navigation)]
    [InlineData("curl", "*/*", RequestKind.Navigation)]
    [InlineData("Anything, weighed", "*/*;q=0.8", RequestKind.Navigation)]
    [InlineData("No preference", null, RequestKind.Navigation)]
    [InlineData("An empty preference", "", RequestKind.Navigation)]
    [InlineData("JSON", "application/json", RequestKind.Api)]
    [InlineData("JSON first, then anything", "application/json, text/plain, */*", RequestKind.Api)]
    [InlineData("An image", "image/webp,*/*", RequestKind.Api)]
    [InlineData("HTML only as something unacceptable", "application/json, text/html;q=0", RequestKind.Api)]
    [InlineData("HTML unacceptable with decimals", "application/json, text/html; q=0.000", RequestKind.Api)]
    [InlineData("HTML hardly wanted", "application/json, text/html;q=0.001", RequestKind.Navigation)]
    [InlineData("A type that HTML begins", "text/html-sandboxed", RequestKind.Api)]
    [InlineData("A stream", "text/event-stream", RequestKind.EventStream)]
    [InlineData("A stream among others", "text/event-stream, */*;q=0.1", RequestKind.EventStream)]
    public void Others_are_known_by_what_they_accept(string sentence, string? accept, RequestKind expected)
    {
        var hints = new RequestHints { Method = "GET", Accept = accept };

        Assert.True(expected == hints.Classify(), $"{sentence}: {hints.Classify()}");
    }

    [Theory]
    [InlineData("jQuery", "XMLHttpRequest", RequestKind.Api)]
    [InlineData("A library with a name of its own", "fetch", RequestKind.Api)]
    [InlineData("A web view of Android, which says so on every page", "com.example.browser", RequestKind.Navigation)]
    [InlineData("An empty header", "", RequestKind.Navigation)]
    public void Scripts_say_who_asks(string sentence, string requestedWith, RequestKind expected)
    {
        var hints = new RequestHints { Method = "GET", RequestedWith = requestedWith, Accept = BrowserAccept };

        Assert.True(expected == hints.Classify(), $"{sentence}: {hints.Classify()}");
    }

    [Fact]
    public void What_the_browser_says_weighs_more_than_what_a_script_says() =>
        Assert.Equal(
            RequestKind.Navigation,
            new RequestHints { Method = "GET", FetchMode = "navigate", FetchDest = "document", RequestedWith = "fetch" }.Classify());

    [Theory]
    [InlineData("GET", RequestKind.Navigation)]
    [InlineData("HEAD", RequestKind.Navigation)]
    [InlineData("POST", RequestKind.Api)]
    [InlineData("PUT", RequestKind.Api)]
    [InlineData("OPTIONS", RequestKind.Api)]
    [InlineData("get", RequestKind.Api)]
    [InlineData("", RequestKind.Api)]
    [InlineData(null, RequestKind.Api)]
    public void Only_GET_and_HEAD_can_be_repeated_after_a_login(string? method, RequestKind expected) =>
        Assert.Equal(
            expected,
            new RequestHints { Method = method, FetchMode = "navigate", FetchDest = "document", Accept = BrowserAccept }.Classify());

    [Theory]
    [InlineData("a browser's question", "OPTIONS", "https://a.test", "PUT", RequestKind.Preflight)]
    [InlineData("OPTIONS without the method it asks for", "OPTIONS", "https://a.test", null, RequestKind.Api)]
    [InlineData("OPTIONS without an origin", "OPTIONS", null, "PUT", RequestKind.Api)]
    [InlineData("GET with the same headers", "GET", "https://a.test", "PUT", RequestKind.Navigation)]
    public void A_preflight_has_method_origin_and_question(
        string sentence, string method, string? origin, string? question, RequestKind expected)
    {
        var hints = new RequestHints { Method = method, Origin = origin, AccessControlRequestMethod = question };

        Assert.True(expected == hints.Classify(), $"{sentence}: {hints.Classify()}");
    }

    // The proxy has stripped Upgrade and Connection by the time we see a handshake.
    [Fact]
    public void A_WebSocket_handshake_is_known_by_its_key_alone() =>
        Assert.Equal(
            RequestKind.WebSocket,
            new RequestHints { Method = "GET", HasWebSocketKey = true, Accept = BrowserAccept, FetchMode = "navigate" }.Classify());
}
