using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Web;
using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Load;

/// <summary>
/// Signs people in at a world that runs already, with the form of its IdP; the password is the name. Of the world it needs only
/// a gateway: that says where browsers should be, and where the IdP is.
/// </summary>
internal sealed partial class FormSignIn(IReadOnlyList<Uri> gateways) : IDisposable
{
    private const int MaxHops = 12;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = Limit };

    /// <summary>Where browsers should be, as the gateway tells the IdP.</summary>
    /// <exception cref="InvalidOperationException">Nobody answers there, or something else does.</exception>
    public async Task<Uri> FindPublicUrlAsync(CancellationToken ct)
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri(gateways[0], "/auth/login"), ct);
            var landing = HttpUtility.ParseQueryString(answer.Headers.Location?.Query ?? "")["redirect_uri"];
            return landing is null
                ? throw new InvalidOperationException($"{gateways[0]} is no gateway: /auth/login answers {(int)answer.StatusCode}")
                : new Uri(new Uri(landing).GetLeftPart(UriPartial.Authority));
        }
        catch (HttpRequestException e)
        {
            throw new InvalidOperationException($"nobody answers at {gateways[0]}", e);
        }
    }

    /// <summary>Null when that is not possible now. In place of the sid: the name of the session in the gateway's API.</summary>
    public async Task<SignedIn?> TryAsync(Uri publicUrl, string user, int gateway, CancellationToken ct)
    {
        try
        {
            return await WalkAsync(publicUrl, user, gateways[gateway], ct);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            return null;
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<SignedIn?> WalkAsync(Uri publicUrl, string user, Uri gateway, CancellationToken ct)
    {
        var (begun, jars) = (Monotonic.Now, new Dictionary<string, CookieContainer>());
        var page = await SendAsync(HttpMethod.Get, new Uri(publicUrl, "/auth/login"), null, gateway, publicUrl, jars, ct);
        for (var hops = 0; hops < MaxHops; hops++)
        {
            if (page.Location is { } to)
            {
                if (to.Authority == publicUrl.Authority && !to.AbsolutePath.StartsWith("/auth/", StringComparison.Ordinal))
                {
                    break;
                }

                page = await SendAsync(HttpMethod.Get, to, null, gateway, publicUrl, jars, ct);
            }
            else if (Form().Match(page.Text) is { Success: true } form)
            {
                var hidden = Hidden().Matches(form.Value).Select(m => KeyValuePair.Create(m.Groups["name"].Value, m.Groups["value"].Value));
                using var content = new FormUrlEncodedContent([.. hidden, new("user", user), new("password", user)]);
                page = await SendAsync(HttpMethod.Post, new Uri(page.Url, form.Groups["action"].Value), content, gateway, publicUrl, jars, ct);
            }
            else
            {
                return null;
            }
        }

        var (cookies, done) = (jars[publicUrl.Authority].GetCookieHeader(publicUrl), Monotonic.Now);
        var sessions = await SendAsync(HttpMethod.Get, new Uri(publicUrl, "/api/sessions"), null, gateway, publicUrl, jars, ct);
        using var json = JsonDocument.Parse(sessions.Text);
        var own = json.RootElement.GetProperty("sessions").EnumerateArray().First(s => s.GetProperty("current").GetBoolean());
        return new SignedIn(user, own.GetProperty("id").GetString()!, cookies, begun, done);
    }

    private async Task<Page> SendAsync(
        HttpMethod method, Uri url, HttpContent? content, Uri gateway, Uri publicUrl, Dictionary<string, CookieContainer> jars, CancellationToken ct)
    {
        // Own pages are asked of the gateway itself: a proxy may not be there.
        var own = url.Authority == publicUrl.Authority;
        var jar = jars.TryGetValue(url.Authority, out var known) ? known : jars[url.Authority] = new CookieContainer();
        using var request = new HttpRequestMessage(method, own ? new Uri(gateway, url.PathAndQuery) : url) { Content = content };
        request.Headers.Host = url.Authority;
        request.Headers.Add("Accept", "text/html");
        if (jar.GetCookieHeader(url) is { Length: > 0 } cookies)
        {
            request.Headers.Add("Cookie", cookies);
        }

        using var answer = await _http.SendAsync(request, ct);
        foreach (var line in answer.Headers.TryGetValues("Set-Cookie", out var lines) ? lines : [])
        {
            jar.SetCookies(url, line);
        }

        return new Page(url, await answer.Content.ReadAsStringAsync(ct), answer.Headers.Location is { } to ? new Uri(url, to) : null);
    }

    [GeneratedRegex("""<form\b[^>]*action="(?<action>[^"]*)"[^>]*>.*?</form>""", RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex("""<input type="hidden" name="(?<name>[^"]*)" value="(?<value>[^"]*)"/?>""")]
    private static partial Regex Hidden();

    private sealed record Page(Uri Url, string Text, Uri? Location);
}
