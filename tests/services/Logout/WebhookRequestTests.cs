using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Logout;

/// <summary>The HTTP layer of the webhook, case by case.</summary>
public sealed class WebhookRequestTests(LiveStore store) : IClassFixture<LiveStore>, IAsyncLifetime
{
    private const string Form = "application/x-www-form-urlencoded";
    private LogoutWorld _world = null!;

    public async Task InitializeAsync() => _world = TestStore.IsConfigured ? await LogoutWorld.StartAsync(store) : null!;

    public async Task DisposeAsync()
    {
        if (_world is not null)
        {
            await _world.DisposeAsync();
        }
    }

    [StoreTheory]
    [InlineData("H01 other parameters are ignored", "x=1&logout_token={0}&ignored_parameter=y", Form)]
    [InlineData("H02 the charset does not matter", "logout_token={0}", Form + "; charset=utf-8")]
    [InlineData("H03 media types have no case", "logout_token={0}", "Application/X-WWW-Form-URLEncoded")]
    public async Task A_good_token_is_obeyed(string name, string body, string contentType)
    {
        using var answer = await _world.PostAsync(string.Format(null, body, Token()), contentType);
        await AssertObeyedAsync(answer, name);
    }

    [StoreFact]
    public async Task H04_a_chunked_body_is_read()
    {
        using var request = Post(new StringContent($"logout_token={Token()}", Encoding.ASCII, Form));
        request.Headers.TransferEncodingChunked = true;
        using var answer = await _world.Http.SendAsync(request);
        await AssertObeyedAsync(answer, "chunked");
    }

    [StoreFact]
    public async Task H21_H22_cookies_and_origin_say_nothing()
    {
        using var request = Post(new StringContent($"logout_token={Token()}", Encoding.ASCII, Form));
        request.Headers.Add("Cookie", "__Host-eventauth=evil; logout_token=evil; ;;==");
        request.Headers.Add("Origin", "https://evil.example");
        using var answer = await _world.Http.SendAsync(request);
        await AssertObeyedAsync(answer, "cookies");
    }

    [StoreFact]
    public async Task H23_a_client_may_wait_for_100_continue()
    {
        using var request = Post(new StringContent($"logout_token={Token()}", Encoding.ASCII, Form));
        request.Headers.ExpectContinue = true;
        using var answer = await _world.Http.SendAsync(request);
        await AssertObeyedAsync(answer, "expect");
    }

    [StoreTheory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    public async Task H05_H18_H19_H20_every_other_method_is_405_and_names_POST(string method)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), $"{_world.Webhooks[0]}?logout_token={Token()}");
        using var answer = await _world.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(["POST"], answer.Content.Headers.Allow);
        LogoutWorld.AssertHeaders(answer);
    }

    [StoreFact]
    public async Task H06_a_token_in_the_query_alone_is_refused()
    {
        using var answer = await _world.PostAsync("a=b", Form, $"?logout_token={Token()}");
        await AssertRefusedAsync(answer);
    }

    [StoreTheory]
    [InlineData("H07 parameter missing", "a=b", Form)]
    [InlineData("H08 parameter empty", "logout_token=", Form)]
    [InlineData("H09 parameter twice, same value", "logout_token={0}&logout_token={0}", Form)]
    [InlineData("H10 parameter twice, second invalid", "logout_token={0}&logout_token=x", Form)]
    [InlineData("H11 JSON body", "{{\"logout_token\":\"{0}\"}}", "application/json")]
    [InlineData("H12 raw token", "{0}", "application/jwt")]
    [InlineData("H13 raw token, no content type", "{0}", null)]
    [InlineData("H14 multipart", "--b\r\nContent-Disposition: form-data; name=\"logout_token\"\r\n\r\n{0}\r\n--b--", "multipart/form-data; boundary=b")]
    [InlineData("H16 broken percent-encoding", "logout_token={0}&x=%zz", Form)]
    public async Task A_body_that_is_not_the_form_is_400(string name, string body, string? contentType)
    {
        using var answer = await _world.PostAsync(string.Format(null, body, Token()), contentType);
        Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, name);
        await AssertRefusedAsync(answer);
    }

    [StoreTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task H15_a_body_over_the_limit_is_413(bool chunked)
    {
        using var request = Post(new StringContent("logout_token=" + new string('a', 1 << 20), Encoding.ASCII, Form));
        request.Headers.TransferEncodingChunked = chunked;
        request.Headers.ExpectContinue = true;
        using var answer = await _world.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        LogoutWorld.AssertHeaders(answer);
    }

    [StoreFact]
    public async Task H17_ten_thousand_parameters_are_refused()
    {
        var many = string.Concat(Enumerable.Range(0, 10_000).Select(i => $"a{i}=1&"));
        using var answer = await _world.PostAsync(many + "logout_token=" + Token(), Form);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        await AssertRefusedAsync(answer);
    }

    // A body reader that is left open after the last read kills the connection with the answer: IdPs that reuse theirs then
    // lose the next logout.
    [StoreFact]
    public async Task The_connection_lives_on_after_an_answer()
    {
        var connections = 0;
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, ct) =>
            {
                connections++;
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler);
        foreach (var token in new[] { Token(), "a.b.c", Token() })
        {
            using var answer = await http.PostAsync(_world.Webhooks[0], new FormUrlEncodedContent([new("logout_token", token)]));
        }

        Assert.Equal(1, connections);
    }

    [StoreFact]
    public async Task H24_what_is_not_found_is_no_store_as_well()
    {
        using var answer = await _world.Http.PostAsync(new Uri(_world.Webhooks[0], "/"), null);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        LogoutWorld.AssertHeaders(answer);
    }

    [StoreTheory]
    [InlineData("a.b.c")]
    [InlineData("e30.e30.e30")]
    [InlineData("\"\\<script>")]
    public async Task H25_a_refusal_is_JSON_and_holds_nothing_of_the_token(string token)
    {
        using var answer = await _world.PostAsync(token);
        var description = await AssertRefusedAsync(answer);
        Assert.DoesNotContain(token, description, StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task H28_refused_tokens_write_nothing_into_the_store()
    {
        for (var i = 0; i < 50; i++)
        {
            using var answer = await _world.PostAsync(_world.Idp.LogoutToken("mallory", null, c => c["nonce"] = "n"));
            await AssertRefusedAsync(answer);
        }

        Assert.Empty(await store.RevocationsOfAsync(_world.Person("mallory")));
        Assert.Equal(1, _world.Idp.Log.Count(StubIdp.StubEndpoint.Keys));
    }

    private string Token() => _world.Idp.LogoutToken($"sub-{Guid.CreateVersion7():N}", null);

    private HttpRequestMessage Post(HttpContent content) => new(HttpMethod.Post, _world.Webhooks[0]) { Content = content };

    private static async Task AssertObeyedAsync(HttpResponseMessage answer, string name)
    {
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{name}: {await answer.Content.ReadAsStringAsync()}");
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync());
        LogoutWorld.AssertHeaders(answer);
    }

    private static async Task<string> AssertRefusedAsync(HttpResponseMessage answer)
    {
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        LogoutWorld.AssertHeaders(answer);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal("invalid_request", json.RootElement.GetProperty("error").GetString());
        var description = json.RootElement.GetProperty("error_description").GetString()!;
        Assert.All(description, c => Assert.True(c is >= ' ' and <= '~' and not '"' and not '\\'));
        return description;
    }
}
