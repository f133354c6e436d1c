using System.Text;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>Too much of anything is a 4xx, soon, and costs nobody else anything.</summary>
public sealed class HugeRequestsTests(SignedInFixture setup) : IClassFixture<SignedInFixture>
{
    private const int TenMegabytes = 10_000_000;

    [StoreFact]
    public async Task F4_a_URI_of_64_kilobytes_is_refused_wherever_it_stands()
    {
        var uri = "/" + new string('a', 64 * 1024);

        await AssertRefusedAsync(414, setup.Bob with { RequestLine = $"GET {uri} HTTP/1.1" });
        await AssertRefusedAsync(414, setup.Bob with { RequestLine = $"GET /verify?{uri} HTTP/1.1" });
        await AssertRefusedAsync(431, setup.Bob with { Uri = uri });
        Assert.Equal(400, (await Ask(setup.Bob with { Uri = uri[..9000] })).Status);
        Assert.Equal(400, (await Ask(setup.Bob with { Host = uri[1..60_000] })).Status);
    }

    // The browser of somebody who uses many applications of one domain sends that much with every request.
    [StoreFact]
    public async Task Sixteen_kilobytes_of_cookies_and_a_hundred_of_them_are_read_and_hide_nobody()
    {
        var big = $"big={new string('x', 16 * 1024)}";
        var many = string.Join("; ", Enumerable.Range(0, 100).Select(i => $"c{i}=v{i}"));

        SignedInFixture.AssertBobAndNobodyElse(await Ask(setup.Bob with { Cookie = $"{big}; {setup.Bob.Cookie}" }));
        SignedInFixture.AssertBobAndNobodyElse(await Ask(setup.Bob with { Cookie = $"{many}; {setup.Bob.Cookie}; {big}" }));
        Assert.Equal(401, (await Ask(setup.Bob with { Cookie = $"{big}; {many}" })).Status);
        await AssertRefusedAsync(431, setup.Bob with { Cookie = $"{new string('x', 64 * 1024)}; {setup.Bob.Cookie}" });
    }

    // CVE-2024-24814: the cookie said how many pieces the session has, and the server went looking for all of them.
    [StoreTheory]
    [InlineData("session_chunks=99999999")]
    [InlineData("mod_auth_openidc_session_chunks=99999999; mod_auth_openidc_session_0=a")]
    [InlineData("eventauth_chunks=99999999")]
    [InlineData("eventauth=chunks:99999999")]
    [InlineData("eventauth_0=a; eventauth_1=b")]
    [InlineData("eventauthC1=a; .AspNetCore.Cookies=chunks-99999999")]
    public async Task TS5_a_cookie_does_not_say_how_much_there_is_to_read(string cookie) =>
        Assert.Equal(401, (await Ask(SignedInFixture.Nobody with { Cookie = cookie })).Status);

    [StoreTheory]
    [InlineData("an overlong slash", "/\u00c0\u00af")]
    [InlineData("a lone continuation byte", "/\u0080")]
    [InlineData("half a character", "/a\u00e2\u0082")]
    [InlineData("a surrogate", "/\u00ed\u00a0\u0080")]
    [InlineData("beyond Unicode", "/\u00f4\u0090\u0080\u0080")]
    [InlineData("a byte order mark of another kind", "/\u00ff\u00fe")]
    public async Task Malformed_UTF_8_is_refused_wherever_it_stands(string sentence, string bytes)
    {
        RawQuestion[] questions =
        [
            setup.Bob with { Uri = bytes }, setup.Bob with { Host = bytes[1..] }, setup.Bob with { Method = bytes[1..] }, setup.Bob with { Proto = bytes[1..] },
            setup.Bob with { Cookie = $"a={bytes}; {setup.Bob.Cookie}" }, setup.Bob with { RequestLine = $"GET {bytes} HTTP/1.1" },
            setup.Bob with { RequestLine = $"GET /verify?{bytes} HTTP/1.1" }, setup.Bob with { Lines = [$"{bytes[1..]}: x"] },
        ];
        foreach (var question in questions)
        {
            var answer = await Ask(question);
            Assert.True(answer.Status is >= 400 and < 500, $"{sentence}: {answer.Text}");
        }
    }

    // TD7: what is refused for its size is refused by the listener, before anything of ours and long before the database.
    [StoreFact]
    public async Task TD7_ten_megabytes_of_URI_or_header_end_at_the_listener()
    {
        var huge = new string('a', TenMegabytes);
        var before = await DecisionsAsync();

        Assert.True((await Ask(setup.Bob with { RequestLine = $"GET /{huge} HTTP/1.1" })).Status is 414 or 0);
        Assert.True((await Ask(setup.Bob with { Lines = [$"X-Custom: {huge}"] })).Status is 431 or 0);
        Assert.True((await Ask(setup.Bob with { Lines = [$"{huge}: x"] })).Status is 431 or 400 or 0);
        Assert.True((await Ask(setup.Bob with { Lines = [.. Enumerable.Range(0, 20_000).Select(i => $"X-{i}: x")] })).Status is 431 or 0);
        Assert.Equal(before, await DecisionsAsync());
        SignedInFixture.AssertBobAndNobodyElse(await Ask(setup.Bob));
    }

    [StoreFact]
    public async Task A_body_of_any_size_changes_no_answer_and_is_not_read()
    {
        var body = new string('a', TenMegabytes);
        foreach (var question in new[] { SignedInFixture.Nobody, setup.Bob })
        {
            var raw = (question with { RequestLine = "POST /verify HTTP/1.1", Lines = [$"Content-Length: {body.Length}"] }).ToString() + body;
            var answer = await RawSocket.SendAsync(setup.Gateway.Public, raw);

            Assert.True(answer.Status == (question.Cookie is null ? 401 : 200) || answer.Status is 413 or 0, answer.Text);
        }

        SignedInFixture.AssertBobAndNobodyElse(await Ask(setup.Bob));
    }

    [StoreFact]
    public async Task What_is_no_HTTP_gets_400_or_nothing_on_every_listener()
    {
        string[] texts =
        [
            "\r\n\r\n\r\n\r\n", "\u0016\u0003\u0001\u0002\u0000\u0001", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
            "GET /verify\r\n\r\n", "* * *\r\n\r\n", "GET  /verify HTTP/1.1\r\n\r\n", "GET /verify HTTP/1.1\r\n\r\n", new('\0', 100),
        ];
        foreach (var listener in setup.World.Gateways.Append(setup.World.Logout).Append(setup.World.Revalidator!).SelectMany(s => new[] { s.Public, s.Operations }))
        {
            foreach (var text in texts)
            {
                // With a line behind it that no request can have, so that what is unfinished is not waited for.
                var answer = await RawSocket.SendAsync(listener, Encoding.Latin1.GetBytes(text + "\r\nX: \0\r\n\r\n"));
                Assert.True(answer.Status is 0 or (>= 400 and < 500) or 505, answer.Text);
            }
        }
    }

    // A listener that closes on a client which is still sending takes its own answer back (RFC 9112, 9.6): then once more.
    private async Task AssertRefusedAsync(int status, RawQuestion question)
    {
        var answer = await Ask(question);
        for (var tries = 1; answer.Status == 0 && tries < 20; tries++)
        {
            answer = await Ask(question);
        }

        Assert.Equal(status, answer.Status);
    }

    private Task<RawAnswer> Ask(RawQuestion question) => question.AskAsync(setup.Gateway);

    private async Task<string> DecisionsAsync()
    {
        using var http = new HttpClient();
        var text = await http.GetStringAsync(new Uri(setup.Gateway.Operations, "/metrics"));
        return string.Join('\n', text.Split('\n').Where(l => l.StartsWith("eventauth_decisions_total", StringComparison.Ordinal)));
    }
}
