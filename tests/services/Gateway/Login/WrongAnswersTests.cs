using System.Net;
using System.Text;
using EventAuth.Gateway.Login;
using EventAuth.Services.Tests.Conformance;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.AspNetCore.WebUtilities;

namespace EventAuth.Services.Tests.Gateway.Login;

/// <summary>What comes back from an IdP instead of a code or instead of tokens.</summary>
public sealed class WrongAnswersTests(WrongAnswersTests.Fixture fixture) : IClassFixture<WrongAnswersTests.Fixture>
{
    private const string Good = "\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":60";

    private World World => fixture.World;

    // A hostile or captured token endpoint: sends the client's secret elsewhere, fills the memory, says two things at once.
    [StoreTheory]
    [InlineData("a redirect", "provider http_301", HttpStatusCode.ServiceUnavailable)]
    [InlineData("a hundred megabytes", "provider too_large", HttpStatusCode.ServiceUnavailable)]
    [InlineData("a small body that becomes a large one", "provider too_large", HttpStatusCode.ServiceUnavailable)]
    [InlineData("a list", "provider not_json", HttpStatusCode.ServiceUnavailable)]
    [InlineData("a member twice", "provider not_json", HttpStatusCode.ServiceUnavailable)]
    [InlineData("JSON that is said to be a page", "provider not_json", HttpStatusCode.ServiceUnavailable)]
    [InlineData("a captive portal", "provider not_json", HttpStatusCode.ServiceUnavailable)]
    [InlineData("half an answer", "provider truncated", HttpStatusCode.ServiceUnavailable)]
    [InlineData("another type of token", "provider no_tokens", HttpStatusCode.ServiceUnavailable)]
    [InlineData("no type of token", "provider no_tokens", HttpStatusCode.ServiceUnavailable)]
    [InlineData("an error with status 200", "provider error_in_200", HttpStatusCode.ServiceUnavailable)]
    [InlineData("a server error", "provider http_500", HttpStatusCode.ServiceUnavailable)]
    [InlineData("no ID token", "id-token size", HttpStatusCode.BadRequest)]
    [InlineData("an ID token that is a number", "id-token size", HttpStatusCode.BadRequest)]
    [InlineData("a refused code", "code invalid_grant", HttpStatusCode.BadRequest)]
    [InlineData("a refused client", "provider invalid_client", HttpStatusCode.BadGateway)]
    public async Task No_session_comes_of(string what, string reason, HttpStatusCode status)
    {
        World.Idp.TellTheTruth();
        World.Idp.SignInAs(ConformanceFixture.Alice);
        World.Idp.Script(StubEndpoint.Token, Token(what));
        var trial = await SignInTrial.RunAsync(World, fixture.Store);
        await trial.RefusedAsync(reason, status);
        Assert.Equal(status == HttpStatusCode.ServiceUnavailable, trial.Answer.Headers.RetryAfter is not null);
        Assert.Equal(0, World.Idp.Log.Count(StubEndpoint.None));
        Assert.True((await trial.Answer.Content.ReadAsByteArrayAsync()).Length < 2048);
    }

    private StubAnswer Token(string what) => what switch
    {
        "a redirect" => StubAnswer.Redirect(World.Idp.Issuer + "/stolen"),
        "a hundred megabytes" => new StubAnswer(200, new byte[1024 * 1024]) { Times = 100 },
        "a small body that becomes a large one" => StubAnswer.Bomb(8 * 1024 * 1024),
        "a list" => StubAnswer.Text(200, $"[{{{Good}}}]"),
        "a member twice" => StubAnswer.Text(200, $"{{{Good},\"access_token\":\"b\"}}"),
        "JSON that is said to be a page" => StubAnswer.Text(200, $"{{{Good}}}", "text/html"),
        "a captive portal" => StubAnswer.Text(200, "<html>Welcome to the airport", "text/html"),
        "half an answer" => StubAnswer.Text(200, $"{{{Good}") with { Truncated = true },
        "another type of token" => StubAnswer.Text(200, $"{{{Good}}}".Replace("Bearer", "mac", StringComparison.Ordinal)),
        "no type of token" => StubAnswer.Text(200, "{\"access_token\":\"a\"}"),
        "an error with status 200" => StubAnswer.Text(200, $"{{{Good},\"error\":\"invalid_grant\"}}"),
        "a server error" => StubAnswer.Text(500, $"{{{Good}}}"),
        "no ID token" => StubAnswer.Text(200, $"{{{Good}}}"),
        "an ID token that is a number" => StubAnswer.Text(200, $"{{{Good},\"id_token\":7}}"),
        "a refused code" => StubAnswer.Error("invalid_grant"),
        "a refused client" => StubAnswer.Error("invalid_client", 401),
        _ => throw new ArgumentException(what),
    };

    // Text of a stranger on a page of ours: script, headers of his own, or ten thousand letters.
    [StoreTheory]
    [InlineData("<script>alert(1)</script>", "provider access_denied")]
    [InlineData("a\r\nSet-Cookie: injected=1\r\n\r\n<script>", "provider access_denied")]
    [InlineData("\0\u202e'\"><img src=x onerror=alert(1)>", "provider access_denied")]
    public async Task What_the_IdP_tells_is_shown_as_text(string description, string reason)
    {
        var trial = await ErrorAsync("access_denied", description);
        var page = await trial.Answer.Content.ReadAsStringAsync();
        await trial.RefusedAsync(reason, HttpStatusCode.Forbidden, tokenRequests: 0);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(page, c => c is '\0' or '\r' or '\u202e');
        Assert.DoesNotContain(trial.Answer.Headers, h => h.Key == "Set-Cookie" && h.Value.Any(v => v.Contains("injected", StringComparison.Ordinal)));
    }

    [StoreFact]
    public async Task Ten_thousand_letters_are_cut_and_an_error_that_is_no_code_is_not_repeated()
    {
        var trial = await ErrorAsync("<script>\r\n" + new string('e', 10_000), new string('d', 10_000));
        await trial.RefusedAsync("provider unreadable_error", tokenRequests: 0);
        var page = await trial.Answer.Content.ReadAsStringAsync();
        Assert.True(page.Length < 2048, $"{page.Length}");
        Assert.DoesNotContain("eeee", page, StringComparison.Ordinal);
    }

    // Whoever may make any browser show any text under our name can make people believe anything.
    [StoreFact]
    public async Task Without_a_state_of_ours_nothing_that_was_sent_is_shown()
    {
        var trial = await fixture.SignInAsync(walk: b => b.GetAsync("/auth/callback?error=access_denied&error_description=Call+0900+123"));
        await trial.RefusedAsync("state", tokenRequests: 0);
        Assert.DoesNotContain("0900", await trial.Answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    // Refusals that nobody's login led to are recorded too, but a stranger must not be able to fill the record.
    [StoreFact]
    public async Task A_flood_of_refusals_does_not_fill_the_record()
    {
        // Its own gateway, at a moment that stands still.
        const string Count = "select count(*) from eventauth_events.mt_events where type = 'login_refused'";
        await using var world = await World.StartAsync(fixture.Store, clock: new ManualClock(TimeProvider.System.GetUtcNow()));
        var before = (await fixture.Store.QueryAsync(Count))[0][0];
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await world.NewBrowser().GetAsync("/auth/callback?state=")).StatusCode);
        }

        var after = (await fixture.Store.QueryAsync(Count))[0][0];
        Assert.Equal(LoginRefusals.UnaskedPerMinute, Number(after) - Number(before));
    }

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private Task<SignInTrial> ErrorAsync(string error, string description) => fixture.SignInAsync(walk: async browser =>
    {
        var start = await browser.VerifyAsync("/x");
        var state = QueryHelpers.ParseQuery(start.Headers.Location!.Query)["state"];
        var query = new StringBuilder($"/auth/callback?state={state}&iss={Uri.EscapeDataString(World.Idp.Issuer)}");
        query.Append($"&error={Uri.EscapeDataString(error)}&error_description={Uri.EscapeDataString(description)}");
        return await browser.GetAsync(query.ToString());
    });

    public sealed class Fixture : ConformanceFixture;
}
