namespace EventAuth.Services.Tests.Compose;

/// <summary>The hand on the development IdP: what an administrator there would do.</summary>
internal sealed class IdpControl(Uri idp)
{
    private static readonly HttpClient Http = new();

    /// <summary>The page on which people end their session at the IdP.</summary>
    public Uri EndSession => new(idp, "/session/end");

    public string Host => idp.Authority;

    public Task SetGroupsAsync(string user, params string[] groups) => DoAsync($"set-groups?user={user}&groups={string.Join(',', groups)}");

    public Task RemoveUserAsync(string user) => DoAsync($"remove-user?user={user}");

    public Task RestoreUserAsync(string user) => DoAsync($"restore-user?user={user}");

    private async Task DoAsync(string action)
    {
        using var answer = await Http.PostAsync(new Uri(idp, $"/__test/{action}"), content: null);
        answer.EnsureSuccessStatusCode();
    }
}
