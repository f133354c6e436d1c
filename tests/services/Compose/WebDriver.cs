using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using EventAuth.Guarantee.Processes;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Compose;

/// <summary>
/// Chromium, driven by chromedriver over the W3C WebDriver protocol. Every action waits until what it needs is on the
/// page, since a click only begins to load the next one.
/// </summary>
internal sealed partial class WebDriver : IAsyncDisposable
{
    // Named by the protocol.
    private const string ElementKey = "element-6066-11e4-a52e-4f735466cecf";

    private static readonly string[] Flags =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1100,800",
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("eventauth-browser-");
    private readonly Leash _driver;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private string _session = "";

    private WebDriver() => _driver = Leash.Start(Path.Combine(_folder.FullName, "log"), "chromedriver", ["--port=0"]);

    public static async Task<WebDriver> StartAsync()
    {
        var browser = new WebDriver();
        try
        {
            await Until.TrueAsync("chromedriver tells its port", () => Port().IsMatch(browser._driver.Output));
            browser._http.BaseAddress = new Uri($"http://127.0.0.1:{Port().Match(browser._driver.Output).Groups[1].Value}");
            string[] flags = [.. Flags, $"--user-data-dir={Path.Combine(browser._folder.FullName, "profile")}"];
            var session = await browser.CommandAsync(HttpMethod.Post, "/session", new
            {
                capabilities = new
                {
                    alwaysMatch = new Dictionary<string, object>
                    {
                        ["goog:chromeOptions"] = new { binary = "/usr/bin/chromium", args = flags },
                        ["goog:loggingPrefs"] = new { browser = "ALL" },
                    },
                },
            });
            browser._session = $"/session/{session.GetProperty("sessionId").GetString()}";
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    public Task GoAsync(Uri url) => CommandAsync(HttpMethod.Post, $"{_session}/url", new { url });

    public async Task<Uri> UrlAsync() => new((await CommandAsync(HttpMethod.Get, $"{_session}/url")).GetString()!);

    /// <summary>What a person reads in the first element that fits.</summary>
    public async Task<string> TextAsync(string css) =>
        (await CommandAsync(HttpMethod.Get, $"{await FindAsync(css)}/text")).GetString()!;

    public async Task TypeAsync(string css, string text) =>
        await CommandAsync(HttpMethod.Post, $"{await FindAsync(css)}/value", new { text });

    public async Task ClickAsync(string css) => await CommandAsync(HttpMethod.Post, $"{await FindAsync(css)}/click", new { });

    /// <summary>What the browser complained of since the last time.</summary>
    public async Task<string[]> ComplaintsAsync() =>
    [
        .. (await CommandAsync(HttpMethod.Post, $"{_session}/se/log", new { type = "browser" })).EnumerateArray()
            .Select(e => e.GetProperty("message").GetString()!),
    ];

    /// <summary>Keeps a picture of the page in the folder that <c>EVENTAUTH_SCREENSHOTS</c> names, if it names one.</summary>
    public async Task PictureAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("EVENTAUTH_SCREENSHOTS") is { Length: > 0 } folder)
        {
            var png = (await CommandAsync(HttpMethod.Get, $"{_session}/screenshot")).GetBytesFromBase64();
            await File.WriteAllBytesAsync(Path.Combine(Directory.CreateDirectory(folder).FullName, $"{name}.png"), png);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_session.Length > 0)
            {
                await CommandAsync(HttpMethod.Delete, _session);
            }
        }
        finally
        {
            await _driver.DisposeAsync();
            _http.Dispose();
            await Until.TrueAsync("Chromium has let go of its profile", TryForget);
        }
    }

    private bool TryForget()
    {
        try
        {
            _folder.Delete(recursive: true);
            return true;
        }
        catch (IOException)
        {
            // Its last processes may still write while we delete.
            return false;
        }
    }

    private async Task<string> FindAsync(string css)
    {
        JsonElement[] found = [];
        await Until.TrueAsync($"the page has {css}", async () =>
        {
            found = [.. (await CommandAsync(HttpMethod.Post, $"{_session}/elements", new { @using = "css selector", value = css })).EnumerateArray()];
            return found.Length > 0;
        });
        return $"{_session}/element/{found[0].GetProperty(ElementKey).GetString()}";
    }

    private async Task<JsonElement> CommandAsync(HttpMethod method, string path, object? body = null)
    {
        // Not chunked: chromedriver wants a Content-Length.
        using var content = body is null ? null : new StringContent(JsonSerializer.Serialize(body), mediaType: new("application/json"));
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var answer = await _http.SendAsync(request);
        var value = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("value");
        return answer.IsSuccessStatusCode ? value : throw new InvalidOperationException($"{method} {path}: {value}");
    }

    [GeneratedRegex(@"started successfully on port (\d+)")]
    private static partial Regex Port();
}
