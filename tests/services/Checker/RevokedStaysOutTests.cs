namespace EventAuth.Services.Tests.Checker;

/// <summary>C1 and C2 of the guarantee's checker. Sent at 1000, acknowledged at 1010: the bound ends at 2010, or 6010.</summary>
public sealed class RevokedStaysOutTests
{
    [Fact]
    public void A_history_in_which_all_goes_well_has_no_violation() =>
        Assert.Equal("", Revoked().Asked(0, 0, 200, 1011, 1012).Asked(0, 0, 401, 1013, 1014).Asked(0, 1, 401, 1005, 1006).Judged());

    [Theory]
    [InlineData(2010, "")]
    [InlineData(2010.001, "C1")]
    public void Letting_in_counts_from_its_start_and_one_second_is_the_bound(double start, string rules) =>
        Assert.Equal(rules, Revoked().Asked(0, 1, 200, start, 9000).Judged());

    [Theory]
    [InlineData(6010, "")]
    [InlineData(6010.001, "C1")]
    public void While_something_is_broken_five_seconds_are_the_bound(double start, string rules) =>
        Assert.Equal(rules, Revoked().Broken(500, 1500).Asked(0, 1, 200, start, start + 1).Judged());

    [Theory]
    [InlineData(2010, 3000, "")]
    [InlineData(2010.001, 3000, "C1")]
    [InlineData(-5000, -990, "")]
    [InlineData(-5000, -990.001, "C1")]
    public void Something_is_broken_from_its_start_until_two_seconds_after_its_healing(double from, double to, string rules) =>
        Assert.Equal(rules, Revoked().Broken(from, to).Asked(0, 1, 200, 3500, 3501).Judged());

    [Theory]
    [InlineData(1, "")]
    [InlineData(0, "C1")]
    public void What_is_broken_at_one_replica_gives_no_time_to_another(int hit, string rules) =>
        Assert.Equal(rules, Revoked().Broken(500, 1500, replica: hit).Asked(0, 1, 200, 3000, 3001).Judged());

    [Fact]
    public void A_fault_that_should_not_be_felt_gives_no_time() =>
        Assert.Equal("C1", Revoked().Broken(500, 1500, loosens: false).Asked(0, 1, 200, 3000, 3001).Judged());

    [Fact]
    public void A_logout_that_was_never_acknowledged_promises_nothing() =>
        Assert.Equal("", HistorySpec.WithOneSession().Revoked("alice", "s0", 1000, acked: null).Asked(0, 0, 200, 9000, 9001).Judged());

    [Fact]
    public void A_session_that_was_not_there_when_the_token_was_sent_may_live_on() =>
        Assert.Equal("", HistorySpec.WithOneSession().SignedIn("alice", "s1", 995, 1005).Revoked("alice", null, 1000, 1010)
            .Asked(0, 0, 401, 1011, 1012).Asked(1, 0, 200, 9000, 9001).Judged());

    [Theory]
    [InlineData("alice", null, "C1")]
    [InlineData("alice", "s0", "C1")]
    [InlineData("alice", "s1", "")]
    [InlineData("bob", null, "")]
    [InlineData("bob", "s0", "")]
    public void A_logout_hits_all_of_a_person_or_one_session(string sub, string? sid, string rules) =>
        Assert.Equal(rules, HistorySpec.WithOneSession().Revoked(sub, sid, 1000, 1010).Asked(0, 0, 200, 9000, 9001).Judged());

    [Fact]
    public void The_first_of_two_acknowledgements_counts() =>
        Assert.Equal("C1", Revoked().Revoked("alice", null, 2000, 2005, "j2").Asked(0, 0, 200, 2500, 2501).Judged());

    [Theory]
    [InlineData(0, 1014.001, "C2")]
    [InlineData(0, 1014, "")]
    [InlineData(1, 1500, "")]
    public void A_replica_that_has_refused_does_not_let_in_again(int replica, double start, string rules) =>
        Assert.Equal(rules, Revoked().Asked(0, 0, 401, 1013, 1014).Asked(0, replica, 200, start, start + 1).Judged());

    [Fact]
    public void Not_knowing_is_not_a_refusal() =>
        Assert.Equal("", Revoked().Broken(1000, 1100).Asked(0, 0, 503, 1013, 1014).Asked(0, 0, 200, 1020, 1021).Judged());

    [Fact]
    public void Coming_back_after_the_bound_breaks_both_rules() =>
        Assert.Equal("C1 C2", Revoked().Asked(0, 0, 401, 1013, 1014).Asked(0, 0, 200, 30_000, 30_001).Judged());

    private static HistorySpec Revoked() => HistorySpec.WithOneSession().Revoked("alice", "s0", 1000, 1010);
}
