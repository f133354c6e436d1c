using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using static EventAuth.Domain.Tests.Sessions.SessionSpec;

namespace EventAuth.Domain.Tests.Sessions;

public sealed class RefreshingASessionTests
{
    private static SessionCommand.Refresh RefreshFrom(int version) =>
        new(version, Refreshed.At, Refreshed.AccessExpiresAt, true, "gateway");

    private static SessionCommand.FailRefresh FailFrom(int version) =>
        new(version, Noon.AddMinutes(4), "unavailable", "timeout", "gateway");

    [Fact]
    public void New_tokens_count_the_version_up() => Given(Issued).When(RefreshFrom(1)).Then(Refreshed);

    [Fact]
    public void Two_replicas_renewed_at_once_and_the_second_is_dropped() =>
        Given(Issued, Refreshed).When(RefreshFrom(1)).ThenRefused(Refusal.TokensRenewedMeanwhile);

    // A logout that comes while the IdP renews the tokens: the session must stay dead, whatever the IdP answers.
    [Fact]
    public void A_late_refresh_does_not_revive_an_ended_session() =>
        Given(Issued, Ended).When(RefreshFrom(1)).ThenRefused(Refusal.SessionEnded);

    [Fact]
    public void A_failure_is_recorded() => Given(Issued).When(FailFrom(1))
        .Then(new SessionRefreshFailed(1, Noon.AddMinutes(4), "unavailable", "timeout", "gateway"));

    [Fact]
    public void A_busy_session_records_an_outage_once() =>
        Given(Issued, new SessionRefreshFailed(1, Noon, "unavailable", "timeout", "gateway")).When(FailFrom(1)).ThenNothing();

    [Fact]
    public void A_failure_of_tokens_that_were_renewed_meanwhile_is_no_failure() =>
        Given(Issued, Refreshed).When(FailFrom(1)).ThenRefused(Refusal.TokensRenewedMeanwhile);
}
