using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>
/// Any 2xx lets a request pass, in every proxy. So nothing that is no permission may be 2xx where proxies ask: no error page,
/// no OPTIONS, no HEAD, no health check, no path that only looks like the address of the question.
/// </summary>
public sealed class NothingIsAllowedTests(SignedInFixture setup) : IClassFixture<SignedInFixture>
{
    private static readonly string[] Methods =
    [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "MKCOL", "LOCK", "SEARCH", "PURGE",
        "get", "GETX", "PRI", "DEBUG", "TRACK", "QUERY", "X-Y_Z",
    ];

    // What answers people who are not signed in, by intent; nothing of it lies under /verify. Routes know no case of methods.
    private static readonly string[] Open = ["GET /auth/logged-out", "GET /auth/logout", "get /auth/logged-out", "get /auth/logout"];

    [StoreFact]
    public async Task F1_under_the_address_of_the_question_nothing_is_2xx_without_credentials()
    {
        string[] paths =
        [
            "/verify", "/verify/", "/verify?x=1", "/verify;x", "/verify/x", "/verify/healthz", "/verify/auth/logged-out", "/verify%2F",
            "/VERIFY", "//verify", "/./verify", "/x/../verify", "/verify%00", "/verify%20", "/%76erify", "/verify#", "/verify/../verify",
        ];
        foreach (var (method, path) in paths.SelectMany(p => Methods.Select(m => (m, p))))
        {
            foreach (var question in new[] { SignedInFixture.Nobody, SignedInFixture.Nobody with { Method = null, Host = null }, SignedInFixture.Nobody with { Accept = "text/html" } })
            {
                var answer = await Ask(question with { RequestLine = $"{method} {path} HTTP/1.1", Lines = ["Content-Length: 0"] });

                Assert.True(answer.Status is >= 300 and < 500, $"{method} {path}: {answer.Text}");
                Assert.All(IdentityHeaders.All, name => Assert.Empty(answer.Header(name)));
            }
        }
    }

    [StoreFact]
    public async Task F1_of_all_other_routes_two_pages_are_open_and_none_tells_of_anybody()
    {
        var routes = setup.Gateway.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Select(e => "/" + e.RoutePattern.RawText!.Trim('/').Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal));
        string[] paths = [.. routes.Distinct(), "/healthz", "/readyz", "/metrics", "/status", "/ping", "/favicon.ico", "/debug/pprof", "/nothing"];
        var open = new HashSet<string>();
        foreach (var (method, path) in paths.SelectMany(p => Methods.Select(m => (m, p))))
        {
            var answer = await Ask(SignedInFixture.Nobody with { RequestLine = $"{method} {path} HTTP/1.1", Lines = ["Content-Length: 0"] });

            Assert.True(answer.Status is >= 200 and < 500, $"{method} {path}: {answer.Text}");
            Assert.All(IdentityHeaders.All, name => Assert.Empty(answer.Header(name)));
            open.UnionWith(answer.Allows ? [$"{method} {path}"] : []);
        }

        Assert.True(paths.Length > 15, string.Join(' ', paths));
        Assert.Equal(Open, open.Order(StringComparer.Ordinal));
    }

    // CVE-2026-71324: a proxy and a server that disagree on what follows a CONNECT serve one client's request to another.
    [StoreTheory]
    [InlineData("TRACE /verify HTTP/1.1")]
    [InlineData("TRACK /verify HTTP/1.1")]
    [InlineData("PROPFIND /verify HTTP/1.1")]
    [InlineData("GETX /verify HTTP/1.1")]
    [InlineData("get /verify HTTP/1.1")]
    [InlineData("CONNECT /verify HTTP/1.1")]
    [InlineData("CONNECT gateway:443 HTTP/1.1")]
    [InlineData("OPTIONS * HTTP/1.1")]
    public async Task An_odd_method_is_no_question_even_with_a_session(string requestLine)
    {
        var answer = await Ask(setup.Bob with { RequestLine = requestLine });

        Assert.True(answer.Status is 400 or 404 or 405, answer.Text);
        Assert.DoesNotContain("eventauth=", answer.Text, StringComparison.Ordinal);
    }

    [StoreTheory]
    [InlineData("CONNECT")]
    [InlineData("TRACE")]
    [InlineData("trace")]
    [InlineData("TRACK")]
    [InlineData("GET, POST")]
    [InlineData("GET POST")]
    [InlineData("GET\u00a0")]
    public async Task An_application_is_not_asked_by_a_method_that_is_none(string method) =>
        Assert.Equal(400, (await Ask(setup.Bob with { Method = method })).Status);

    [StoreTheory]
    [InlineData("HEAD")]
    [InlineData("POST")]
    [InlineData("OPTIONS")]
    public async Task A_proxy_that_keeps_the_clients_method_gets_the_same_answers(string method)
    {
        RawQuestion As(RawQuestion question) => question with { RequestLine = $"{method} /verify HTTP/1.1", Method = method, Lines = ["Content-Length: 0"] };

        SignedInFixture.AssertBobAndNobodyElse(await Ask(As(setup.Bob)));
        Assert.Equal(401, (await Ask(As(SignedInFixture.Nobody))).Status);
        Assert.Equal(403, (await Ask(As(setup.Bob) with { Uri = "/admin/a" })).Status);
    }

    // The forged header of a preflight survived in another gateway, because preflights had a way of their own past its checks.
    [StoreTheory]
    [InlineData("/x", 401)]
    [InlineData("/admin/a", 401)]
    [InlineData("/public/a", 200)]
    public async Task F7_a_preflight_passes_where_everybody_passes_and_never_tells_who(string uri, int status)
    {
        var answer = await Ask(SignedInFixture.Nobody with
        {
            Method = "OPTIONS",
            Uri = uri,
            Lines =
            [
                "Origin: https://evil.test", "Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: x-forwarded-user",
                "X-Forwarded-User: evil", "X-User-Roles: evil",
            ],
        });

        string[] told = status == 200 ? [""] : [];
        Assert.Equal(status, answer.Status);
        Assert.All(IdentityHeaders.All, name => Assert.Equal(told, answer.Header(name)));
        Assert.Empty(answer.Header("Access-Control-Allow-Origin"));
    }

    // ASVS 7.6.2: a form that was posted after the session had ended must not be posted again behind the person's back.
    [StoreTheory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    public async Task F9_what_is_no_page_load_gets_401_and_is_never_redirected(string method)
    {
        var answer = await Ask(SignedInFixture.Nobody with { Method = method, Accept = "text/html", Lines = ["Sec-Fetch-Mode: navigate"] });

        Assert.Equal(401, answer.Status);
        Assert.Empty(answer.Header("Location"));
    }

    [StoreFact]
    public async Task F8_every_answer_is_small_and_kept_by_nobody()
    {
        RawQuestion[] questions =
        [
            SignedInFixture.Nobody, SignedInFixture.Nobody with { Accept = "text/html" }, SignedInFixture.Nobody with { Uri = "/public/a" },
            SignedInFixture.Nobody with { Uri = "*" }, SignedInFixture.Nobody with { Host = "evil" }, setup.Bob,
            setup.Bob with { Uri = "/admin/a" }, setup.Bob with { Uri = "/admin/a", Accept = "text/html" }, setup.Bob with { RequestLine = "TRACE /verify HTTP/1.1" },
            SignedInFixture.Nobody with { Accept = "text/html", Uri = "/" + new string('a', 8000) },
            SignedInFixture.Nobody with { Accept = "text/html", Uri = "/" + new string('a', 9000) },
        ];
        foreach (var question in questions)
        {
            var answer = await Ask(question);

            Assert.Equal(["no-store"], answer.Header("Cache-Control"));
            Assert.InRange(answer.Text.Length, 1, 3072);
            Assert.InRange(answer.Text.Split("\r\n\r\n", 2)[1].Length, 0, 2048);
        }
    }

    private Task<RawAnswer> Ask(RawQuestion question) => question.AskAsync(setup.Gateway);
}
