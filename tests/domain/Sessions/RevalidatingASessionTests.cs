using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using static EventAuth.Domain.Tests.Sessions.SessionSpec;

namespace EventAuth.Domain.Tests.Sessions;

public sealed class RevalidatingASessionTests
{
    private static readonly DateTimeOffset Later = Noon.AddMinutes(1);

    [Fact]
    public void Other_groups_are_recorded() =>
        Given(Issued).When(new SessionCommand.UpdateClaims(Later, ["guests"], ["user"]))
            .Then(new SessionClaimsChanged(Later, ["guests"], ["user"]));

    [Fact]
    public void The_same_groups_in_another_order_are_no_change() =>
        Given(Issued, new SessionClaimsChanged(Noon, ["a", "b"], ["user"]))
            .When(new SessionCommand.UpdateClaims(Later, ["b", "a"], ["user"])).ThenNothing();

    // Entra leaves the groups claim out for people with more than 200 groups: they were locked out at each refresh.
    [Fact]
    public void No_groups_claim_is_not_no_groups() =>
        Given(Issued).When(new SessionCommand.UpdateClaims(Later, null, null)).ThenNothing();

    [Fact]
    public void An_empty_groups_claim_takes_the_groups_away() =>
        Given(Issued).When(new SessionCommand.UpdateClaims(Later, [], null)).Then(new SessionClaimsChanged(Later, [], ["user"]));

    [Fact]
    public void An_unanswered_question_is_recorded_once_per_outage() =>
        Given(Issued, new RevalidationSkipped(Noon, "timeout"))
            .When(new SessionCommand.SkipRevalidation(Later, Noon.AddMinutes(-1), "timeout")).ThenNothing();

    // A session without refresh token has no event when the IdP answers again: only the time tells the outages apart.
    [Fact]
    public void The_next_outage_is_recorded_although_no_event_tells_that_the_IdP_had_answered_in_between() =>
        Given(Issued, new RevalidationSkipped(Noon, "timeout"))
            .When(new SessionCommand.SkipRevalidation(Later, Noon.AddSeconds(1), "timeout")).Then(new RevalidationSkipped(Later, "timeout"));

    [Fact]
    public void The_next_outage_is_recorded_again() =>
        Given(Issued, new RevalidationSkipped(Noon, "timeout"), Refreshed)
            .When(new SessionCommand.SkipRevalidation(Later, Noon, "timeout")).Then(new RevalidationSkipped(Later, "timeout"));

    [Fact]
    public void An_ended_session_has_no_claims_to_change() =>
        Given(Issued, Ended).When(new SessionCommand.UpdateClaims(Later, [], [])).ThenRefused(Refusal.SessionEnded);
}
