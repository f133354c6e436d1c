using EventAuth.Adapters.Refresh;
using EventAuth.Domain.Refresh;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Flows;

/// <summary>"We do not know whether the IdP has rotated the token" is said as such, and only when it is so.</summary>
public sealed class RefreshOutcomeTests
{
    [Theory]
    [InlineData("the answer did not come in time", "timeout", true)]
    [InlineData("the answer broke off", "truncated", true)]
    [InlineData("the answer could not be read", "not_json", true)]
    [InlineData("the answer had no tokens", "no_tokens", true)]
    [InlineData("a proxy lost the IdP", "http_502", true)]
    [InlineData("the IdP was busy", "http_503", true)]
    [InlineData("a redirect", "http_301", true)]
    [InlineData("the IdP gave up waiting for us", "http_408", true)]
    [InlineData("the IdP failed inside", "server_error", true)]
    [InlineData("nobody could be connected", "connection", false)]
    [InlineData("no such name", "dns", false)]
    [InlineData("no trust", "tls", false)]
    [InlineData("too many questions", "http_429", false)]
    [InlineData("a firewall's page", "http_403", false)]
    [InlineData("the IdP did not understand", "invalid_request", false)]
    public void A_refresh_token_may_be_spent_when(string why, string code, bool spent)
    {
        Assert.NotEmpty(why);
        Assert.Equal(spent, SpentToken.IsPossible(new ProviderAnswer.Unavailable(code, null)));
    }

    [Fact]
    public void What_the_IdP_has_understood_and_refused_is_known()
    {
        Assert.False(SpentToken.IsPossible(new ProviderAnswer.Refused("invalid_grant")));
        Assert.False(SpentToken.IsPossible(new ProviderAnswer.Misconfigured("invalid_client")));
        Assert.False(SpentToken.IsPossible(new ProviderAnswer.IdentityChanged("sub-changed")));
    }

    [StoreFact]
    public async Task An_unknown_outcome_is_on_record_and_a_refusal_after_it_is_our_loss()
    {
        await using var world = await RefreshWorld.StartAsync("unknownoutcome");
        var (_, id) = await world.SignInAsync();
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Empty(502), StubAnswer.Error("invalid_grant"));

        await world.RefreshAsync(0, id);
        Assert.IsType<RefreshOutcome.Ended>(await world.RefreshAsync(0, id));

        Assert.Equal(["outcome-unknown", "http_502"], Assert.Single(await world.QueryAsync(
            "select data->>'outcome', data->>'error' from eventauth_events.mt_events where type = 'session_refresh_failed'")));
        Assert.Equal(["RefreshLost"], await world.EndReasonsAsync());
    }

    // Any failure used to count as a possible rotation: whoever was withdrawn during an outage was on record as our loss.
    [StoreFact]
    public async Task After_a_question_that_used_nothing_up_a_refusal_is_the_IdPs_word()
    {
        await using var world = await RefreshWorld.StartAsync("nothingused");
        var (_, id) = await world.SignInAsync();
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Error("slow_down", 429), StubAnswer.Error("invalid_grant"));

        Assert.IsType<RefreshOutcome.Failed>(await world.RefreshAsync(0, id));
        Assert.IsType<RefreshOutcome.Ended>(await world.RefreshAsync(0, id));

        Assert.Equal(["RefusedByProvider"], await world.EndReasonsAsync());
    }
}
