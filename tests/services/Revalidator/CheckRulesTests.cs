using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Login;
using EventAuth.Domain.Refresh;
using EventAuth.Revalidator;

namespace EventAuth.Services.Tests.Revalidator;

public sealed class CheckRulesTests
{
    private static readonly TimeSpan Young = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Old = TimeSpan.FromMinutes(15);

    [Theory]
    [InlineData(OnFailure.Allow)]
    [InlineData(OnFailure.Deny)]
    public void What_the_IdP_confirms_is_kept(OnFailure onFailure) =>
        Assert.IsType<CheckStep.Keep>(Decide(new CheckAnswer.Confirmed(MappedClaims.Nothing), onFailure, Old));

    [Theory]
    [InlineData(OnFailure.Allow)]
    [InlineData(OnFailure.Deny)]
    public void A_refused_grant_ends_everything_of_the_subject(OnFailure onFailure) =>
        Assert.Equal(new CheckStep.RevokeSubject(EndReason.RefusedByProvider, "invalid_grant"),
            Decide(Not(new ProviderAnswer.Refused("invalid_grant")), onFailure, Young));

    [Fact]
    public void Another_identity_ends_everything_of_the_subject() =>
        Assert.Equal(new CheckStep.RevokeSubject(EndReason.IdentityChanged, "sub-changed"),
            Decide(Not(new ProviderAnswer.IdentityChanged("sub-changed")), OnFailure.Allow, Young));

    [Theory]
    [InlineData(OnFailure.Allow)]
    [InlineData(OnFailure.Deny)]
    public void A_wrong_client_secret_signs_nobody_out_however_long_it_lasts(OnFailure onFailure) =>
        Assert.Equal(new CheckStep.Alarm("invalid_client"),
            Decide(Not(new ProviderAnswer.Misconfigured("invalid_client")), onFailure, TimeSpan.FromDays(30)));

    [Fact]
    public void An_outage_is_skipped_when_allowed() =>
        Assert.Equal(new CheckStep.Skip("http_503", Young), Decide(Not(new ProviderAnswer.Unavailable("http_503", Young)), OnFailure.Allow, Young));

    [Fact]
    public void An_outage_ends_the_session_when_not_allowed() =>
        Assert.Equal(new CheckStep.EndUnverified("http_503"), Decide(Not(new ProviderAnswer.Unavailable("http_503", null)), OnFailure.Deny, Young));

    [Fact]
    public void An_outage_longer_than_the_limit_ends_the_session() =>
        Assert.Equal(new CheckStep.EndUnverified("http_503"), Decide(Not(new ProviderAnswer.Unavailable("http_503", null)), OnFailure.Allow, Old));

    [Fact]
    public void Without_a_limit_an_outage_may_last() =>
        Assert.IsType<CheckStep.Skip>(CheckRules.Decide(
            Not(new ProviderAnswer.Unavailable("dns", null)), Settings(OnFailure.Allow, TimeSpan.Zero), TimeSpan.FromDays(1), accessExpired: true));

    [Fact]
    public void An_access_token_that_is_refused_and_cannot_be_renewed_needs_a_new_login() =>
        Assert.IsType<CheckStep.EndUnverified>(Decide(Not(new ProviderAnswer.AccessTokenRefused()), OnFailure.Allow, Young));

    [Fact]
    public void Without_tokens_a_session_lasts_until_its_access_token_would_have_expired()
    {
        var settings = Settings(OnFailure.Allow, Old);
        Assert.IsType<CheckStep.Skip>(CheckRules.Decide(new CheckAnswer.NoTokens(), settings, Young, accessExpired: false));
        Assert.IsType<CheckStep.EndUnverified>(CheckRules.Decide(new CheckAnswer.NoTokens(), settings, Young, accessExpired: true));
    }

    [Fact]
    public void A_refresh_by_another_replica_is_looked_at_again() =>
        Assert.IsType<CheckStep.LookAgain>(Decide(new CheckAnswer.Busy(), OnFailure.Deny, Old));

    [Fact]
    public void What_is_over_is_left_alone() =>
        Assert.IsType<CheckStep.Leave>(Decide(new CheckAnswer.Over(EndReason.RefreshLost), OnFailure.Deny, Old));

    private static CheckStep Decide(CheckAnswer answer, OnFailure onFailure, TimeSpan unverifiedFor) =>
        CheckRules.Decide(answer, Settings(onFailure, Old), unverifiedFor, accessExpired: false);

    private static CheckAnswer.NotConfirmed Not(ProviderAnswer answer) => new(answer);

    private static RevalidationSettings Settings(OnFailure onFailure, TimeSpan limit) =>
        new(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(10), onFailure, 8, 50, limit);
}
