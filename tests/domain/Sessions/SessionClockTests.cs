using EventAuth.Domain.Sessions;
using static EventAuth.Domain.Tests.Sessions.SessionSpec;

namespace EventAuth.Domain.Tests.Sessions;

public sealed class SessionClockTests
{
    [Theory]
    [InlineData(0, 300, 60, SessionDue.Nothing)]           // a fresh token
    [InlineData(239, 300, 60, SessionDue.Nothing)]         // just before the grace
    [InlineData(240, 300, 60, SessionDue.RefreshSoon)]     // within the grace
    [InlineData(300, 300, 60, SessionDue.RefreshNow)]      // expired
    [InlineData(28800, 300, 60, SessionDue.Expired)]       // the session's own end comes first
    [InlineData(1, 5, 60, SessionDue.Nothing)]             // a grace longer than the token lives must not renew all the time
    [InlineData(4, 5, 60, SessionDue.RefreshSoon)]
    public void Time_asks_for(int secondsPassed, int tokenLife, int grace, SessionDue expected) =>
        Assert.Equal(expected, SessionClock.Due(
            Noon.AddSeconds(secondsPassed), Noon.AddHours(8), Noon.AddSeconds(tokenLife),
            TimeSpan.FromSeconds(grace), TimeSpan.FromSeconds(tokenLife)));

    [Theory]
    [InlineData(60, 0, false)]    // zero is no limit
    [InlineData(60, 60, false)]   // to the second
    [InlineData(61, 60, true)]
    public void Without_use_it_is_idle(int secondsSinceUse, int allowance, bool idle) =>
        Assert.Equal(idle, SessionClock.IsIdle(Noon.AddSeconds(secondsSinceUse), Noon, TimeSpan.FromSeconds(allowance)));
}
