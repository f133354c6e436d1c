using System.Text;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>
/// Request smuggling: where the proxy and we see the end of a request at different bytes, what one takes for a body the other
/// takes for the next visitor's request. Whatever has two readings ends the connection, and no second answer comes.
/// </summary>
public sealed class FramingTests(SignedInFixture setup) : IClassFixture<SignedInFixture>
{
    private const string Hidden = "GET /verify HTTP/1.1\r\nHost: hidden\r\nConnection: close\r\n\r\n";

    // CVE-2025-55315: the server read a chunk extension to a bare line feed and the proxy did not, or the other way round.
    [StoreTheory]
    [InlineData("a bare line feed in a chunk extension", "Transfer-Encoding: chunked", "2;\nxx\r\n0\r\n\r\n")]
    [InlineData("a bare line feed in an extension's value", "Transfer-Encoding: chunked", "2;a=b\nc\r\nxx\r\n0\r\n\r\n")]
    [InlineData("a bare carriage return in a chunk extension", "Transfer-Encoding: chunked", "2;\rxx\r\n0\r\n\r\n")]
    [InlineData("a line feed behind the size", "Transfer-Encoding: chunked", "2\nxx\r\n0\r\n\r\n")]
    [InlineData("a size that is no number", "Transfer-Encoding: chunked", "0x2\r\nxx\r\n0\r\n\r\n")]
    [InlineData("a negative size", "Transfer-Encoding: chunked", "-2\r\nxx\r\n0\r\n\r\n")]
    [InlineData("a size beyond all numbers", "Transfer-Encoding: chunked", "FFFFFFFFFFFFFFFFF\r\nxx\r\n0\r\n\r\n")]
    [InlineData("a chunk longer than it says", "Transfer-Encoding: chunked", "2\r\nxxx\r\n0\r\n\r\n")]
    [InlineData("chunks that are not the last coding", "Transfer-Encoding: chunked, identity", "2\r\nxx\r\n0\r\n\r\n")]
    [InlineData("another coding", "Transfer-Encoding: gzip", "2\r\nxx\r\n0\r\n\r\n")]
    [InlineData("a space before the colon", "Transfer-Encoding : chunked", "2\r\nxx\r\n0\r\n\r\n")]
    [InlineData("a vertical tab before the coding", "Transfer-Encoding: \vchunked", "2\r\nxx\r\n0\r\n\r\n")]
    [InlineData("two lengths", "Content-Length: 2\r\nContent-Length: 3", "xxx")]
    [InlineData("two lengths in one line", "Content-Length: 2, 3", "xxx")]
    [InlineData("a negative length", "Content-Length: -1", "xx")]
    [InlineData("a length that is no number", "Content-Length: 0x2", "xx")]
    [InlineData("a length beyond all numbers", "Content-Length: 99999999999999999999", "xx")]
    public async Task A_body_whose_end_is_uncertain_is_refused_and_nothing_behind_it_is_a_request(string sentence, string lines, string body)
    {
        foreach (var (listener, path) in Bodies())
        {
            var raw = $"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n{lines}\r\n\r\n{body}{Hidden}";
            var answer = await RawSocket.SendAsync(listener, raw);

            Assert.True(answer.Status is 400 or 401 or 403 or 413 or 0, $"{sentence} at {path}: {answer.Text}");
            Assert.True(answer.Answers <= 1, $"{sentence} at {path}: {answer.Text}");
        }
    }

    // RFC 9112 6.3: with both, the length is ignored; and the listener takes a plus sign for what it is. Either has one reading
    // among those who accept it. What counts is that nobody gets a session's answer for another's request.
    [StoreTheory]
    [InlineData("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n")]
    [InlineData("Content-Length: +2", "xx")]
    public async Task A_length_that_others_would_refuse_gives_no_answer_that_was_not_asked_for(string lines, string body)
    {
        foreach (var (listener, path) in Bodies())
        {
            var raw = $"POST {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n{body}{Hidden}";
            var answer = await RawSocket.SendAsync(listener, Encoding.Latin1.GetBytes(raw));

            Assert.True(answer.Status is >= 400 and < 500 or 0, answer.Text);
            Assert.DoesNotContain(" 200 ", answer.Text, StringComparison.Ordinal);
        }
    }

    [StoreTheory]
    [InlineData("an absolute URI", "GET http://gateway/verify HTTP/1.1")]
    [InlineData("an absolute URI of another host", "GET http://evil/verify HTTP/1.1")]
    [InlineData("an absolute URI with a person", "GET http://bob@gateway/verify HTTP/1.1")]
    [InlineData("an absolute URI to an open path", "GET http://localhost/public/a HTTP/1.1")]
    public async Task An_absolute_URI_in_the_request_line_passes_nobody(string sentence, string requestLine)
    {
        var answer = await (SignedInFixture.Nobody with { RequestLine = requestLine }).AskAsync(setup.Gateway);

        Assert.True(answer.Status is >= 400 and < 500, $"{sentence}: {answer.Text}");
    }

    // TP: the rule speaks of what the proxy says, never of the request line, whose path is that of the question.
    [StoreTheory]
    [InlineData("GET /verify HTTP/1.1", "http://evil/public/x", 400)]
    [InlineData("GET /verify?/public/a HTTP/1.1", "/x", 401)]
    [InlineData("GET /public/a HTTP/1.1", "/public/a", 404)]
    [InlineData("GET /verify HTTP/1.1", "/public/a", 200)]
    public async Task TP_a_path_counts_only_where_the_proxy_tells_it(string requestLine, string uri, int status) =>
        Assert.Equal(status, (await (SignedInFixture.Nobody with { RequestLine = requestLine, Uri = uri }).AskAsync(setup.Gateway)).Status);

    private (Uri, string)[] Bodies() => [(setup.Gateway.Public, "/verify"), (setup.Gateway.Public, "/auth/logout"), (setup.World.Logout.Public, "/backchannel-logout")];
}
