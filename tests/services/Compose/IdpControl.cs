using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace EventAuth.Services.Tests.Compose;

/// <summary>The hand on the development IdP: what an administrator there would do.</summary>
internal sealed class IdpControl(Uri idp)
{
    private static readonly HttpClient Http = new();

    /// <summary>The page on which people end their session at the IdP.</summary>
    public Uri EndSession => new(idp, "/session/end");

    public string Host => idp.Authority;

    /// <summary>An access token for the applications, as the program "robot" gets it (RFC 6749, 4.4; RFC 8707).</summary>
    public async Task<string> AccessTokenAsync(string clientSecret)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(idp, "/token"))
        {
            Content = new FormUrlEncodedContent([new("grant_type", "client_credentials"), new("resource", "urn:example:api"), new("scope", "api.read")]),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes($"robot:{Uri.EscapeDataString(clientSecret)}")));
        using var answer = await Http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("access_token").GetString()!;
    }

    public Task SetGroupsAsync(string user, params string[] groups) => DoAsync($"set-groups?user={user}&groups={string.Join(',', groups)}");

    public Task RemoveUserAsync(string user) => DoAsync($"remove-user?user={user}");

    public Task RestoreUserAsync(string user) => DoAsync($"restore-user?user={user}");

    private async Task DoAsync(string action)
    {
        using var answer = await Http.PostAsync(new Uri(idp, $"/__test/{action}"), content: null);
        answer.EnsureSuccessStatusCode();
    }
}
