using System.Net;
using EventAuth.Guarantee.Processes;
using EventAuth.Services.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EventAuth.Services.Tests.Compose;

/// <summary>
/// nginx asks as a program first and, refused, once more as the client. The second answer may be another one: a page load
/// renews tokens that a program's call does not. Only nginx runs here; gateway and application are made up.
/// </summary>
public sealed class SecondQuestionTests
{
    [NginxFact]
    public async Task A_client_that_may_pass_at_the_second_question_is_sent_to_ask_again()
    {
        await using var gateway = await StartAsync(http => http.Response.StatusCode = AsProgram(http) ? 401 : 200);

        using var answer = await AskAsync(gateway, "/page?x=a%20b");

        Assert.Equal((HttpStatusCode.TemporaryRedirect, "/page?x=a%20b"), (answer.StatusCode, answer.Headers.Location?.PathAndQuery));
    }

    [NginxFact]
    public async Task A_client_that_is_refused_twice_gets_the_whole_second_answer()
    {
        await using var gateway = await StartAsync(http =>
        {
            http.Response.StatusCode = AsProgram(http) ? 401 : 302;
            http.Response.Headers.Location = "https://idp.example.test/" + http.Request.Headers["X-Forwarded-Host"] + http.Request.Headers["X-Forwarded-Uri"];
            http.Response.Headers.SetCookie = new(["a=1", "b=2"]);
        });

        using var answer = await AskAsync(gateway, "/page");

        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        Assert.Equal($"https://idp.example.test/{answer.RequestMessage!.RequestUri!.Authority}/page", answer.Headers.Location?.ToString());
        Assert.Equal(["a=1", "b=2"], answer.Headers.GetValues("Set-Cookie"));
    }

    private static bool AsProgram(HttpContext http) => http.Request.Headers.Accept == "application/json";

    private static async Task<WebApplication> StartAsync(Action<HttpContext> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.Run(http =>
        {
            answer(http);
            return Task.CompletedTask;
        });
        await app.StartAsync();
        return app;
    }

    private static async Task<HttpResponseMessage> AskAsync(WebApplication gateway, string path)
    {
        var folder = Directory.CreateTempSubdirectory("eventauth-nginx-");
        var (port, at) = (ComposeWorld.FreePorts(), new Uri(gateway.Urls.Single()).Authority);
        var file = Path.Combine(folder.FullName, "nginx.conf");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(Path.Combine(Needs.Root!, "compose/edge/nginx.conf")))
            .Replace("@USER@", Environment.IsPrivilegedProcess ? "user root;" : "", StringComparison.Ordinal)
            .Replace("@DIR@", folder.FullName, StringComparison.Ordinal)
            .Replace("@LISTEN@", $"listen 127.0.0.1:{port};", StringComparison.Ordinal)
            .Replace("@GATEWAYS@", $"server {at};", StringComparison.Ordinal)
            .Replace("@LOGOUT@", at, StringComparison.Ordinal).Replace("@APP@", at, StringComparison.Ordinal));
        await using var nginx = Leash.Start(Path.Combine(folder.FullName, "log"), "/usr/sbin/nginx", ["-e", "stderr", "-p", folder.FullName, "-c", file]);
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        HttpResponseMessage? answer = null;
        await Until.TrueAsync($"nginx answers:\n{nginx.Output}", async () =>
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}{path}");
                request.Headers.Add("Accept", "text/html");
                answer = await client.SendAsync(request);
                return true;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        return answer!;
    }
}

/// <summary>A test with nginx alone.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NginxFactAttribute : FactAttribute
{
    public NginxFactAttribute() => Skip = Needs.Skip(
        Needs.Root is null ? "EventAuth.sln is not above the tests" : Needs.MissingProgram("/usr/sbin/nginx"));
}
