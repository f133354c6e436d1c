namespace EventAuth.Services.Tests.Checker;

/// <summary>C5 and C6 of the guarantee's checker, and the figures beside it.</summary>
public sealed class RecordAndReplicasTests
{
    [Theory]
    [InlineData(0, "C5")]
    [InlineData(1, "")]
    [InlineData(2, "C5")]
    public void An_acknowledged_logout_has_one_event(int events, string rules) =>
        Assert.Equal(rules, Stranger(acked: 1010).Ended(HistorySpec.Final([("j1", events)])).Judged());

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "")]
    [InlineData(2, "C5")]
    public void One_that_was_never_acknowledged_has_one_event_at_most(int events, string rules) =>
        Assert.Equal(rules, Stranger(acked: null).Ended(HistorySpec.Final([("j1", events)])).Judged());

    [Theory]
    [InlineData("j1", "")]
    [InlineData("j2", "C5")]
    public void The_audit_lists_it(string listed, string rules) =>
        Assert.Equal(rules, Stranger(acked: 1010).Ended(HistorySpec.Final([("j1", 1)], audited: [listed])).Judged());

    [Theory]
    [InlineData("w2", 400, "")]
    [InlineData("w1", 400, "C5")]
    [InlineData("w1", 0, "C5")]
    [InlineData("w2", 503, "")]
    [InlineData("w2", 200, "C5")]
    [InlineData("w2", 500, "C5")]
    public void A_wrong_token_is_refused_and_leaves_no_event(string recorded, int status, string rules) =>
        Assert.Equal(rules, new HistorySpec().Wrong("w1", status).Ended(HistorySpec.Final([(recorded, 1)])).Judged());

    [Theory]
    [InlineData(401, "")]
    [InlineData(200, "C1 C6 C6")]
    [InlineData(503, "C4 C6")]
    public void In_the_end_every_replica_refuses_whom_a_logout_ended(int status, string rules) =>
        Assert.Equal(rules, HistorySpec.WithOneSession().Revoked("alice", null, 1000, 1010).AskedInTheEnd(0, 0, 401).AskedInTheEnd(0, 1, status)
            .Ended(HistorySpec.Final([("j1", 1)])).Judged());

    [Fact]
    public void In_the_end_the_store_does_not_let_live_whom_a_logout_ended() =>
        Assert.Equal("C6", HistorySpec.WithOneSession().Revoked("alice", null, 1000, 1010).Ended(HistorySpec.Final([("j1", 1)], live: [0])).Judged());

    [Theory]
    [InlineData(200, 0, "")]
    [InlineData(503, 0, "C4 C6")]
    [InlineData(401, 0, "C4 C6")]
    [InlineData(200, 9, "C6")]
    public void In_the_end_a_replica_lets_in_whom_the_store_lets_live_and_nobody_else(int status, int live, string rules) =>
        Assert.Equal(rules, HistorySpec.WithOneSession().AskedInTheEnd(0, 1, status).Ended(HistorySpec.Final(live: [live])).Judged());

    [Theory]
    [InlineData(7, 7, "")]
    [InlineData(7, 6, "C6")]
    [InlineData(8, 7, "C6")]
    public void In_the_end_every_replica_is_at_the_head_of_the_feed(long first, long second, string rules) =>
        Assert.Equal(rules, new HistorySpec().Ended(HistorySpec.Final(head: 7, applied: [first, second])).Judged());

    [Theory]
    [InlineData(401, 30)]
    [InlineData(503, 20)]
    public void A_latency_ends_with_the_last_replicas_first_answer_that_is_no_yes_and_is_followed_by_none(int status, double milliseconds)
    {
        var latency = HistorySpec.WithOneSession().Revoked("alice", null, 1000, 1010)
            .Asked(0, 0, 401, 1011, 1012)
            .Asked(0, 1, 503, 1011, 1012).Asked(0, 1, 200, 1020, 1022).Asked(0, 1, status, 1030, 1040).Asked(0, 1, 401, 1050, 1051)
            .Broken(900, 1100).Broken(950, 1100, fault: "later").Latencies().Single();

        Assert.Equal(((long)(milliseconds * 1_000_000), 10_000_000, 1, "later"), (latency.OutAfter, latency.LastIn, latency.AllowsAfter, latency.Fault));
    }

    [Fact]
    public void What_a_replica_says_wrongly_about_a_session_again_and_again_is_told_once() =>
        Assert.Equal("C1 C1", HistorySpec.WithOneSession().Revoked("alice", null, 1000, 1010)
            .Asked(0, 0, 200, 3000, 3001).Asked(0, 0, 200, 4000, 4001).Asked(0, 1, 200, 3000, 3001).Judged());

    [Fact]
    public void A_latency_is_zero_when_all_had_refused_before_the_acknowledgement_and_unknown_when_nobody_was_asked()
    {
        var early = HistorySpec.WithOneSession().Revoked("alice", null, 1000, 1010).Asked(0, 0, 401, 1001, 1002).Asked(0, 1, 401, 1001, 1002).Latencies().Single();
        var unasked = HistorySpec.WithOneSession().Revoked("alice", null, 1000, 1010).Asked(0, 0, 401, 1001, 1002).Latencies().Single();

        Assert.Equal((0L, (long?)null), (early.OutAfter, unasked.OutAfter));
    }

    private static HistorySpec Stranger(double? acked) => new HistorySpec().Revoked("nobody", null, 1000, acked);
}
