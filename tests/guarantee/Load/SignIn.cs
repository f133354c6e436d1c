using System.Net;
using System.Web;
using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Worlds;
using EventAuth.StubIdp;

namespace EventAuth.Guarantee.Load;

/// <summary>What a browser has after signing in.</summary>
internal sealed record SignedIn(string Sub, string Sid, string Cookie, long Begun, long Done);

/// <summary>Signs people in over HTTP as a browser behind a proxy does.</summary>
internal sealed class SignIn(World world) : IDisposable
{
    private const string SessionCookie = "eventauth";
    private const int MaxHops = 8;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = Limit };

    // The IdP asks nobody who they are: it takes whoever was named last.
    private readonly SemaphoreSlim _idp = new(1, 1);

    /// <summary>Null when the gateway could not do it now.</summary>
    public async Task<SignedIn?> TryAsync(string sub, int gateway, CancellationToken ct)
    {
        try
        {
            return await WalkAsync(sub, world.Gateways[gateway].Process.Public, ct);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            return null;
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _idp.Dispose();
    }

    private async Task<SignedIn?> WalkAsync(string sub, Uri gateway, CancellationToken ct)
    {
        var (begun, sid) = (Monotonic.Now, "");
        var cookies = new Dictionary<string, string>();
        using var first = Question.Of(gateway, World.PublicUrl, cookies: null, "text/html");
        var answer = await SendAsync(first, cookies, ct);
        for (var hops = 0; hops < MaxHops && answer.Location is { } to; hops++)
        {
            if (to.IsAbsoluteUri && to.Authority == new Uri(world.Idp.Issuer).Authority)
            {
                (answer, sid) = await AuthorizeAsync(sub, to, ct);
                continue;
            }

            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway, to.IsAbsoluteUri ? to.PathAndQuery : to.ToString()));
            request.Headers.Host = World.PublicUrl.Authority;
            answer = await SendAsync(request, cookies, ct);
            if (cookies.TryGetValue(SessionCookie, out var cookie))
            {
                return new SignedIn(sub, sid, $"{SessionCookie}={cookie}", begun, Monotonic.Now);
            }
        }

        return null;
    }

    private async Task<(Hop, string Sid)> AuthorizeAsync(string sub, Uri to, CancellationToken ct)
    {
        await _idp.WaitAsync(ct);
        try
        {
            world.Idp.SignInAs(new StubUser(sub));
            using var request = new HttpRequestMessage(HttpMethod.Get, to);
            var answer = await SendAsync(request, [], ct);
            var code = HttpUtility.ParseQueryString(answer.Location?.Query ?? "")["code"];
            return (answer, code is null ? "" : world.Idp.Grants.OfCode(code)?.Sid ?? "");
        }
        finally
        {
            _idp.Release();
        }
    }

    private async Task<Hop> SendAsync(HttpRequestMessage request, Dictionary<string, string> cookies, CancellationToken ct)
    {
        if (cookies.Count > 0)
        {
            request.Headers.Add("Cookie", string.Join("; ", cookies.Select(c => $"{c.Key}={c.Value}")));
        }

        using var answer = await _http.SendAsync(request, ct);
        foreach (var line in answer.Headers.TryGetValues("Set-Cookie", out var lines) ? lines : [])
        {
            var pair = line.Split(';')[0].Split('=', 2);
            cookies[pair[0]] = pair[1];
            if (pair[1].Length == 0)
            {
                cookies.Remove(pair[0]);
            }
        }

        return new Hop(answer.StatusCode, answer.Headers.Location);
    }

    private sealed record Hop(HttpStatusCode Status, Uri? Location);
}
