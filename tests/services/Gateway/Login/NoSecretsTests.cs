using System.Net;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.AspNetCore.WebUtilities;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>A whole life of a session, and what of its secrets is left in the store, the log and the metrics: nothing.</summary>
public sealed class NoSecretsTests
{
    // Whoever reads a log, a backup or a dashboard must not be able to sign in as somebody, or to finish a login of theirs.
    [StoreFact]
    public async Task No_token_code_state_or_cookie_is_found_in_store_log_or_metrics()
    {
        await using var world = await ProcessWorld.StartAsync("nosecrets", gateways: 1, settings: new Dictionary<string, string> { ["log.level"] = "verbose" });
        var secrets = new Dictionary<string, string> { ["client secret"] = world.Idp.Options.ClientSecret };
        var browser = await world.SignInAsync("alice");
        var open = await world.NewBrowser().VerifyAsync("/y");
        secrets["pending state"] = QueryHelpers.ParseQuery(open.Headers.Location!.Query)["state"].ToString();
        secrets["session cookie"] = browser.SessionCookie!;
        secrets["login cookie"] = browser.Cookie("eventauth-login")!.Split('.')[0];

        await RefusedAsync(world, secrets);
        await browser.CallAsync("/x");
        await world.SendAsync(world.Idp.LogoutToken("alice", sid: null));
        await Until.TrueAsync("she is out", async () => (await browser.CallAsync("/x")).StatusCode == HttpStatusCode.Unauthorized);
        Collect(world, secrets);

        var found = new Dictionary<string, string>
        {
            ["store"] = await SessionIdTests.DumpAsync(world.Store),
            ["log of the gateway"] = await ReadAsync(world.Gateways[0].LogFile),
            ["log of the logout service"] = await ReadAsync(world.Logout.LogFile),
            ["metrics"] = await GetAsync(world, "/metrics"),
            ["status"] = await GetAsync(world, "/status"),
        };
        Assert.True(secrets.Count >= 14, $"only {secrets.Count} secrets were seen");
        Assert.All(found.Values, text => Assert.True(text.Length > 100, "nothing was looked through"));
        Assert.Contains("Login refused because", found["log of the gateway"], StringComparison.Ordinal);
        foreach (var (name, secret) in secrets)
        {
            Assert.True(secret.Length >= 8, $"{name} is too short to be looked for");
            foreach (var (place, text) in found)
            {
                Assert.False(text.Contains(secret, StringComparison.OrdinalIgnoreCase), $"the {name} is in the {place}");
            }
        }
    }

    private static async Task RefusedAsync(ProcessWorld world, Dictionary<string, string> secrets)
    {
        var browser = world.NewBrowser();
        world.Idp.Deviations.Claims = c => c["nonce"] = "of-somebody-else";
        var callback = await browser.FollowAsync(await browser.VerifyAsync("/x"));
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.FollowAsync(callback)).StatusCode);
        world.Idp.TellTheTruth();
        Add(secrets, "refused", callback.Headers.Location!);
        Assert.Equal(HttpStatusCode.BadRequest, (await world.NewBrowser().GetAsync("/auth/callback?state=a&state=b&code=code-of-nobody")).StatusCode);
        secrets["code of nobody"] = "code-of-nobody";
    }

    // What went over the wire, as the IdP saw it.
    private static void Collect(ProcessWorld world, Dictionary<string, string> secrets)
    {
        foreach (var request in world.Idp.Log.All)
        {
            foreach (var name in new[] { "state", "nonce", "code", "code_verifier", "refresh_token", "token" })
            {
                if (request.Parameters.TryGetValue(name, out var value))
                {
                    secrets[$"{name} of {request.Endpoint} {secrets.Count}"] = value;
                }
            }

            if (request is { Endpoint: StubEndpoint.UserInfo, Authorization: { } bearer })
            {
                secrets[$"access token {secrets.Count}"] = bearer["Bearer ".Length..];
            }
            else if (request.Authorization is { } basic)
            {
                secrets["client credentials"] = basic["Basic ".Length..];
            }
        }
    }

    private static void Add(Dictionary<string, string> secrets, string which, Uri callback)
    {
        foreach (var (name, value) in QueryHelpers.ParseQuery(callback.Query).Where(p => p.Key != "iss"))
        {
            secrets[$"{which} {name}"] = value.ToString();
        }
    }

    private static async Task<string> GetAsync(ProcessWorld world, string path)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(world.Gateways[0].Operations, path));
    }

    private static async Task<string> ReadAsync(string file)
    {
        await using var log = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(log);
        return await reader.ReadToEndAsync();
    }
}
