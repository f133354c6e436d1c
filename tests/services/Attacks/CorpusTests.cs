using System.Text;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Oidc;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>The inputs with which another gateway's parsers are fuzzed (its corpus is Apache-licensed), sent wherever they fit.</summary>
public sealed class CorpusTests(SignedInFixture setup) : IClassFixture<SignedInFixture>
{
    // CVE-2024-24814, CVE-2023-28625: a crafted cookie crashed the server.
    [CorpusFact]
    public async Task TS5_no_cookie_of_the_corpus_is_a_session_or_an_error_of_ours()
    {
        foreach (var (name, bytes) in Corpus.Read("cookie", "state_cookie", "base64", "jwt", "json", "response_header"))
        {
            var text = OneLine(bytes);
            foreach (var cookie in new[] { text, text.Replace("mod_auth_openidc_session", "eventauth", StringComparison.Ordinal), "eventauth=" + text, "eventauth-login=" + text })
            {
                await AssertRefusedAsync(name, SignedInFixture.Nobody with { Cookie = cookie });
                await AssertRefusedAsync(name, SignedInFixture.Nobody with { Cookie = cookie, Accept = "text/html" });
                await AssertRefusedAsync(name, SignedInFixture.Nobody with { Cookie = $"{cookie}; {setup.Bob.Cookie}; {setup.Bob.Cookie}" });
            }
        }
    }

    [CorpusFact]
    public async Task TS5_no_form_or_token_of_the_corpus_signs_anybody_out()
    {
        foreach (var (name, bytes) in Corpus.Read("form_params", "jwt", "state_cookie", "json", "discovery_response"))
        {
            foreach (var body in new[] { bytes, [.. "logout_token="u8, .. bytes] })
            {
                var head = $"POST /backchannel-logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {body.Length}\r\n\r\n";
                var answer = await RawSocket.SendAsync(setup.World.Logout.Public, [.. Encoding.ASCII.GetBytes(head), .. body]);

                Assert.True(answer.Status == 400, $"{name}: {answer.Text}");
            }
        }

        SignedInFixture.AssertBobAndNobodyElse(await setup.Bob.AskAsync(setup.Gateway));
    }

    [CorpusFact]
    public async Task No_address_or_answer_of_the_corpus_leads_a_browser_away()
    {
        foreach (var (name, bytes) in Corpus.Read("url", "discovery_response", "form_params"))
        {
            var text = OneLine(bytes).Replace(' ', '+');
            foreach (var target in new[] { $"/auth/login?rd={Uri.EscapeDataString(text)}", $"/auth/login?{text}", $"/auth/callback?{text}", $"/auth/login?target_link_uri={text}" })
            {
                var answer = await RawSocket.SendAsync(setup.Gateway.Public, $"GET {target} HTTP/1.1\r\nHost: {World.Host}\r\nConnection: close\r\nCookie: {setup.Bob.Cookie}\r\n\r\n");

                Assert.True(answer.Status is 302 or (>= 400 and < 500), $"{name}: {answer.Text}");
                Assert.All(answer.Header("Location"), to => Assert.True(
                    to.StartsWith(World.PublicUrl + "/", StringComparison.Ordinal) || to.StartsWith(setup.World.Idp.Issuer + "/", StringComparison.Ordinal), $"{name}: {to}"));
            }
        }
    }

    private async Task AssertRefusedAsync(string name, RawQuestion question)
    {
        var answer = await question.AskAsync(setup.Gateway);
        Assert.True(answer.Status is 302 or 401 or 400, $"{name} {question.Cookie}: {answer.Text}");
    }

    private static string OneLine(byte[] bytes) => Encoding.Latin1.GetString(bytes).ReplaceLineEndings(" ").Trim();
}
