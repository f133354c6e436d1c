using EventAuth.Domain.Sessions;
using static EventAuth.Domain.Tests.Sessions.SessionSpec;

namespace EventAuth.Domain.Tests.Sessions;

public sealed class IssuingASessionTests
{
    private static readonly SessionCommand.Issue Issue = new(
        Ada, "sid-1", "gateway", ["staff"], ["user"], 7, Noon, TimeSpan.FromHours(8), Noon.AddMinutes(5), true);

    [Fact]
    public void A_login_records_who_and_from_which_position_on() => Given().When(Issue).Then(Issued);

    [Fact]
    public void A_stream_holds_one_session_and_never_a_second() => Given(Issued).When(Issue).ThenRefused(Refusal.NotPossible);

    [Fact]
    public void An_ended_session_does_not_begin_anew() => Given(Issued, Ended).When(Issue).ThenRefused(Refusal.SessionEnded);

    [Fact]
    public void The_absolute_end_stays_where_it_was_after_any_number_of_refreshes()
    {
        var state = Assert.IsType<Session.Active>(Session.Replay([Issued, Refreshed, Refreshed with { TokenVersion = 3 }]));

        Assert.Equal(Issued.ExpiresAt, state.ExpiresAt);
    }
}
