using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace EventAuth.Services.Tests.Compose;

/// <summary>A page as it came, and where it came from.</summary>
internal sealed record Answer(HttpStatusCode Status, Uri Url, string Text, Uri? Location);

/// <summary>
/// A browser without a screen: keeps cookies per host, follows redirects, fills in forms. It speaks with the edge and the
/// IdP as people's browsers do.
/// </summary>
internal sealed partial class ScriptedBrowser : IDisposable
{
    private readonly ComposeWorld _world;
    private readonly CookieContainer _cookies = new();
    private readonly HttpClient _http;

    public ScriptedBrowser(ComposeWorld world)
    {
        _world = world;
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = _cookies });
    }

    /// <summary>The session's secret.</summary>
    public string? SessionCookie => _cookies.GetCookies(_world.Edge)["eventauth"]?.Value;

    /// <summary>The name under which the record speaks of this browser's session.</summary>
    public async Task<string> SessionIdAsync()
    {
        using var sessions = JsonDocument.Parse((await CallAsync("/api/sessions")).Text);
        return sessions.RootElement.GetProperty("sessions").EnumerateArray()
            .Single(s => s.GetProperty("current").GetBoolean()).GetProperty("id").GetString()!;
    }

    /// <summary>Opens a page and follows wherever it leads.</summary>
    public async Task<Answer> OpenAsync(string pathOrUrl) => await FollowAsync(await NavigateAsync(pathOrUrl));

    /// <summary>Opens a page; the first answer.</summary>
    public Task<Answer> NavigateAsync(string pathOrUrl, Action<HttpRequestMessage>? change = null) =>
        SendAsync(HttpMethod.Get, new Uri(_world.Edge, pathOrUrl), content: null, "text/html,*/*;q=0.8", change);

    /// <summary>Asks as a program does.</summary>
    public Task<Answer> CallAsync(string path, Action<HttpRequestMessage>? change = null) =>
        SendAsync(HttpMethod.Get, new Uri(_world.Edge, path), content: null, "application/json", change);

    /// <summary>Takes an access token back, as those may whom a rule names.</summary>
    public async Task RevokeTokenAsync(string issuer, string jti)
    {
        using var content = JsonContent.Create(new { issuer, jti, reason = "a test" });
        var answer = await SendAsync(HttpMethod.Post, new Uri(_world.Edge, "/api/tokens/revoke"), content, "application/json",
            r => r.Headers.Add("Origin", _world.Edge.GetLeftPart(UriPartial.Authority)));
        Assert.Equal(HttpStatusCode.OK, answer.Status);
    }

    /// <summary>Signs in with the IdP's form on the way to a page; that page's answer. The password is the name.</summary>
    public async Task<Answer> SignInAsync(string user, string path = "/")
    {
        var form = await OpenAsync(path);
        Assert.Equal(_world.Idp.Host, form.Url.Authority);
        return await SubmitAsync(form, ("user", user), ("password", user));
    }

    /// <summary>Sends the first form of a page, with its hidden fields and these, and follows wherever that leads.</summary>
    public async Task<Answer> SubmitAsync(Answer page, params (string Name, string Value)[] fields)
    {
        var form = Form().Match(page.Text);
        Assert.True(form.Success, $"there is no form on {page.Url}:\n{page.Text}");
        var hidden = Hidden().Matches(form.Value).Select(m => (Name: m.Groups["name"].Value, Value: m.Groups["value"].Value));
        var content = new FormUrlEncodedContent(hidden.Concat(fields).Select(f => KeyValuePair.Create(f.Name, f.Value)));
        return await FollowAsync(await SendAsync(HttpMethod.Post, new Uri(page.Url, form.Groups["action"].Value), content, "text/html"));
    }

    /// <summary>What one gateway answers to an edge that asks about this browser's request.</summary>
    public async Task<HttpStatusCode> AskGatewayAsync(Uri gateway)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway, "/verify"));
        request.Headers.Add("X-Forwarded-Method", "GET");
        request.Headers.Add("X-Forwarded-Proto", "http");
        request.Headers.Add("X-Forwarded-Host", _world.Edge.Authority);
        request.Headers.Add("X-Forwarded-Uri", "/");
        request.Headers.Add("Accept", "application/json");
        request.Headers.Add("Cookie", _cookies.GetCookieHeader(_world.Edge));
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }

    public async Task<HttpStatusCode[]> AskGatewaysAsync() => await Task.WhenAll(_world.Gateways.Select(AskGatewayAsync));

    public void Dispose() => _http.Dispose();

    private async Task<Answer> FollowAsync(Answer answer)
    {
        for (var hops = 0; answer.Location is { } to; hops++)
        {
            Assert.True(hops < 12, $"went in circles, last to {to}");
            answer = await SendAsync(HttpMethod.Get, to, content: null, "text/html");
        }

        return answer;
    }

    private async Task<Answer> SendAsync(
        HttpMethod method, Uri url, HttpContent? content, string accept, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(method, url) { Content = content };
        request.Headers.Add("Accept", accept);
        change?.Invoke(request);
        using var answer = await _http.SendAsync(request);
        var location = answer.Headers.Location is { } to ? new Uri(url, to) : null;
        return new Answer(answer.StatusCode, url, await answer.Content.ReadAsStringAsync(), location);
    }

    [GeneratedRegex("""<form\b[^>]*action="(?<action>[^"]*)"[^>]*>.*?</form>""", RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex("""<input type="hidden" name="(?<name>[^"]*)" value="(?<value>[^"]*)"/?>""")]
    private static partial Regex Hidden();
}
