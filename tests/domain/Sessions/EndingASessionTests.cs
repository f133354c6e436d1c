using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using static EventAuth.Domain.Tests.Sessions.SessionSpec;

namespace EventAuth.Domain.Tests.Sessions;

public sealed class EndingASessionTests
{
    private static readonly SessionCommand.End End = new(EndReason.BackchannelLogout, Ended.At, "jti-1", null);

    [Fact]
    public void Ending_an_active_session_records_why() => Given(Issued).When(End).Then(Ended);

    [Fact]
    public void Ending_it_twice_records_nothing_new() =>
        Given(Issued, Ended).When(End with { Reason = EndReason.SignedOut }).ThenNothing();

    [Fact]
    public void A_session_that_never_began_cannot_end() => Given().When(End).ThenRefused(Refusal.NotPossible);

    // A late answer about a refresh token that another replica has replaced since.
    [Fact]
    public void What_was_said_about_older_tokens_does_not_end_it() =>
        Given(Issued, Refreshed).When(End with { FromVersion = 1 }).ThenRefused(Refusal.TokensRenewedMeanwhile);

    [Fact]
    public void What_was_said_about_its_tokens_ends_it() => Given(Issued, Refreshed).When(End with { FromVersion = 2 }).Then(Ended);

    [Fact]
    public void The_first_reason_stays()
    {
        var state = Assert.IsType<Session.Ended>(Session.Replay([Issued, Ended]));

        Assert.Equal(EndReason.BackchannelLogout, state.Reason);
    }
}
