using System.Net;

namespace EventAuth.Services.Tests.Harness;

/// <summary>
/// A browser behind a proxy: keeps cookies per host, follows redirects, and asks a gateway before it "opens" a page of the
/// application. What the application would have received is the headers of the gateway's answer.
/// </summary>
/// <param name="publicAddress">Where a gateway's public listener is, by its number.</param>
internal sealed class Browser(Func<int, Uri> publicAddress)
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
    private readonly Dictionary<string, Dictionary<string, string>> _cookies = [];

    /// <summary>The value of a cookie of the public host.</summary>
    public string? Cookie(string name) => _cookies.GetValueOrDefault("localhost")?.GetValueOrDefault(name);

    public string? SessionCookie => Cookie("eventauth");

    public void SetCookie(string name, string value) => Jar("localhost")[name] = value;

    public void ForgetCookies() => _cookies.Clear();

    /// <summary>Loses every cookie of the public host but one.</summary>
    public void ForgetAllBut(string name) =>
        Jar("localhost").Keys.Where(k => k != name).ToList().ForEach(k => Jar("localhost").Remove(k));

    /// <summary>Asks one gateway about a request as a proxy does.</summary>
    public Task<HttpResponseMessage> VerifyAsync(string uri = "/", int gateway = 0, Action<HttpRequestMessage>? change = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(publicAddress(gateway), "/verify"));
        request.Headers.Add("X-Forwarded-Method", "GET");
        request.Headers.Add("X-Forwarded-Proto", "http");
        request.Headers.Add("X-Forwarded-Host", World.Host);
        request.Headers.Add("X-Forwarded-Uri", uri);
        request.Headers.Add("Accept", "text/html");
        change?.Invoke(request);
        return SendAsync(request, "localhost");
    }

    /// <summary>Asks as a program does.</summary>
    public Task<HttpResponseMessage> CallAsync(string uri = "/", int gateway = 0, Action<HttpRequestMessage>? change = null) => VerifyAsync(uri, gateway, r =>
    {
        r.Headers.Remove("Accept");
        r.Headers.Add("Accept", "application/json");
        change?.Invoke(r);
    });

    /// <summary>Asks for a page or an API of the gateway itself.</summary>
    public Task<HttpResponseMessage> GetAsync(string path, int gateway = 0, Action<HttpRequestMessage>? change = null) =>
        OwnAsync(HttpMethod.Get, path, null, gateway, change);

    public Task<HttpResponseMessage> OwnAsync(
        HttpMethod method, string path, HttpContent? content = null, int gateway = 0, Action<HttpRequestMessage>? change = null)
    {
        var request = new HttpRequestMessage(method, new Uri(publicAddress(gateway), path)) { Content = content };
        request.Headers.Host = World.Host;
        change?.Invoke(request);
        return SendAsync(request, "localhost");
    }

    /// <summary>Opens a page of the application, through sign-in if need be; the last answer.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string uri = "/", int gateway = 0)
    {
        var answer = await VerifyAsync(uri, gateway);
        for (var hops = 0; answer.StatusCode is HttpStatusCode.Found or HttpStatusCode.SeeOther; hops++)
        {
            Assert.True(hops < 10, "went in circles");
            answer = await FollowAsync(answer, gateway);
        }

        return answer;
    }

    /// <summary>Follows one redirect.</summary>
    public Task<HttpResponseMessage> FollowAsync(HttpResponseMessage answer, int gateway = 0)
    {
        var to = answer.Headers.Location ?? throw new InvalidOperationException("no Location");
        if (to.IsAbsoluteUri && to.Authority != World.Host)
        {
            return SendAsync(new HttpRequestMessage(HttpMethod.Get, to), to.Authority);
        }

        var path = to.IsAbsoluteUri ? to.PathAndQuery : to.ToString();
        return path.StartsWith("/auth/", StringComparison.Ordinal) ? GetAsync(path, gateway) : VerifyAsync(path, gateway);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, string host)
    {
        var jar = Jar(host);
        if (jar.Count > 0 && !request.Headers.Contains("Cookie"))
        {
            request.Headers.Add("Cookie", string.Join("; ", jar.Select(c => $"{c.Key}={c.Value}")));
        }

        var answer = await Http.SendAsync(request);
        foreach (var line in answer.Headers.TryGetValues("Set-Cookie", out var lines) ? lines : [])
        {
            Keep(jar, line);
        }

        return answer;
    }

    private static void Keep(Dictionary<string, string> jar, string line)
    {
        var parts = line.Split(';', StringSplitOptions.TrimEntries);
        var (name, value) = (parts[0].Split('=', 2)[0], parts[0].Split('=', 2)[1]);
        if (value.Length == 0 || parts.Contains("max-age=0", StringComparer.OrdinalIgnoreCase))
        {
            jar.Remove(name);
        }
        else
        {
            jar[name] = value;
        }
    }

    private Dictionary<string, string> Jar(string host) =>
        _cookies.TryGetValue(host, out var jar) ? jar : _cookies[host] = [];
}
