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

    [Fact]
    public void The_first_reason_stays()
    {
        var state = Assert.IsType<Session.Ended>(Session.Replay([Issued, Ended]));

        Assert.Equal(EndReason.BackchannelLogout, state.Reason);
    }
}
