namespace EventAuth.Services.Tests.Checker;

/// <summary>C3 and C4 of the guarantee's checker.</summary>
public sealed class OthersStayInTests
{
    [Theory]
    [InlineData(1010.001, "C3")]
    [InlineData(1010, "")]
    public void Whoever_began_after_the_acknowledgement_is_not_refused(double begun, string rules) =>
        Assert.Equal(rules, RevokedBefore(begun).Asked(1, 0, 200, 1050, 1051).Asked(1, 0, 401, 1060, 1061).Judged());

    [Fact]
    public void Whoever_began_afterwards_is_let_in_at_least_once() =>
        Assert.Equal("C3 C4", RevokedBefore(1020).Asked(1, 0, 503, 1050, 1051).Judged());

    [Fact]
    public void Who_could_only_be_asked_while_something_was_broken_need_not_be_let_in() =>
        Assert.Equal("", RevokedBefore(1020).Broken(1030, 1040).Asked(1, 0, 503, 1050, 1051).Judged());

    [Fact]
    public void Whoever_began_afterwards_and_is_revoked_in_turn_may_be_refused() =>
        Assert.Equal("", RevokedBefore(1020).Asked(1, 0, 200, 1050, 1051).Revoked("alice", "s1", 1100, 1110, "j2").Asked(1, 0, 401, 1099, 1101).Judged());

    [Fact]
    public void Who_was_never_revoked_is_not_refused() => Assert.Equal("C4", HistorySpec.WithOneSession().Asked(0, 1, 401, 500, 501).Judged());

    [Theory]
    [InlineData(999.9, "C4")]
    [InlineData(1000, "")]
    public void A_refusal_may_be_answered_from_the_moment_on_at_which_the_token_was_sent(double end, string rules) =>
        Assert.Equal(rules, HistorySpec.WithOneSession().Revoked("alice", null, 1000, 1010).Asked(0, 0, 401, 990, end).Judged());

    [Fact]
    public void A_logout_that_was_never_acknowledged_may_still_have_been_carried_out() =>
        Assert.Equal("", HistorySpec.WithOneSession().Revoked("alice", null, 1000, acked: null).Asked(0, 0, 401, 1500, 1501).Judged());

    [Fact]
    public void Somebody_elses_logout_excuses_no_refusal() =>
        Assert.Equal("C4", HistorySpec.WithOneSession().Revoked("bob", null, 1000, 1010).Asked(0, 0, 401, 1500, 1501).Judged());

    [Theory]
    [InlineData(503)]
    [InlineData(0)]
    public void Not_knowing_needs_an_excuse(int status) => Assert.Equal("C4", HistorySpec.WithOneSession().Asked(0, 0, status, 500, 501).Judged());

    [Theory]
    [InlineData(400, 500, 0, "")]
    [InlineData(400, 500, 1, "C4")]
    [InlineData(3010, 4000, 0, "")]
    [InlineData(3010.001, 4000, 0, "C4")]
    [InlineData(-9000, -2000, 0, "")]
    [InlineData(-9000, -2000.001, 0, "C4")]
    public void The_excuse_is_a_fault_of_that_replica_until_five_seconds_after_its_healing(double from, double to, int hit, string rules) =>
        Assert.Equal(rules, HistorySpec.WithOneSession().Broken(from, to, replica: hit).Asked(0, 0, 503, 3000, 3010).Judged());

    [Fact]
    public void A_broken_broker_excuses_no_503() =>
        Assert.Equal("C4", HistorySpec.WithOneSession().Broken(400, 600, excuses: false).Asked(0, 0, 503, 500, 501).Judged());

    [Theory]
    [InlineData(500)]
    [InlineData(403)]
    [InlineData(302)]
    public void Any_other_answer_is_wrong_whatever_is_broken(int status) =>
        Assert.Equal("C4", HistorySpec.WithOneSession().Broken(400, 600).Asked(0, 0, status, 500, 501).Judged());

    // Alice's first session was revoked; her second began then.
    private static HistorySpec RevokedBefore(double begun) =>
        HistorySpec.WithOneSession().Revoked("alice", null, 1000, 1010).SignedIn("alice", "s1", begun, 1040).Asked(0, 0, 401, 1011, 1012);
}
