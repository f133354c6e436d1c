using System.Net;
using System.Text;
using EventAuth.Domain.Tests.Fuzz;
using EventAuth.Logout.Backchannel;
using EventAuth.Services.Tests.Oidc;

namespace EventAuth.Services.Tests.Fuzz;

/// <summary>Any body of the webhook: no exception, and a token only where another reader of forms finds the same one, once.</summary>
public sealed class LogoutFormFuzzTests
{
    private const int Rounds = 100_000;

    [Fact]
    public void A_token_is_found_only_where_everybody_finds_it()
    {
        string[] corpus =
        [
            "logout_token=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2ln", "a=1&logout_token=abc&b=%20%C3%A4+&=&&c", "logout%5Ftoken=%61bc", "logout_token=a&logout_token=b",
            "logout_token=", "LOGOUT_TOKEN=x&logout_token=abc", "logout_token=a;logout_token=b", .. Corpus.Read("form_params").Select(f => Encoding.Latin1.GetString(f.Bytes)),
        ];
        var found = 0;
        FuzzRun.Run(Rounds, corpus, m => Encoding.Latin1.GetString(Encoding.Latin1.GetBytes(m.Text())), body =>
        {
            if (LogoutForm.Parse(Encoding.Latin1.GetBytes(body)) is not LogoutForm.Found form)
            {
                return;
            }

            found++;
            var values = body.Split('&').Select(p => p.Split('=', 2)).Where(p => WebUtility.UrlDecode(p[0]) == "logout_token").ToList();
            Assert.Equal(WebUtility.UrlDecode(Assert.Single(values)[1]), form.Token);
        });
        Assert.True(found > 0);
    }
}
