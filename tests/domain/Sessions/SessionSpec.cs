using EventAuth.Contracts;
using EventAuth.Domain.Sessions;

namespace EventAuth.Domain.Tests.Sessions;

/// <summary>given events, when a command comes, then these events or this refusal.</summary>
internal sealed class SessionSpec
{
    public static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);
    public static readonly Subject Ada = new("https://idp.test", "ada");

    public static readonly SessionIssued Issued = new(
        Ada.Issuer, Ada.Sub, "sid-1", "gateway", ["staff"], ["user"], 7, Noon, Noon.AddHours(8), Noon.AddMinutes(5), true);

    public static readonly SessionRefreshed Refreshed = new(2, Noon.AddMinutes(4), Noon.AddMinutes(9), true, "gateway");
    public static readonly SessionEnded Ended = new(Noon.AddHours(1), EndReason.BackchannelLogout, "jti-1", null);

    private readonly Session _state;
    private Decision? _decision;

    private SessionSpec(Session state) => _state = state;

    public static SessionSpec Given(params SessionEvent[] history) => new(Session.Replay(history));

    public SessionSpec When(SessionCommand command)
    {
        _decision = SessionDecider.Decide(_state, command);
        return this;
    }

    // Compared as stored JSON: records compare their lists by reference.
    public void Then(params SessionEvent[] expected) => Assert.Equal(
        expected.Select(e => EventNames.Of(e) + EventNames.ToJson(e)),
        Assert.IsType<Decision.Accepted>(_decision).Events.Select(e => EventNames.Of(e) + EventNames.ToJson(e)));

    public void ThenNothing() => Then();

    public void ThenRefused(Refusal why) => Assert.Equal(why, Assert.IsType<Decision.Refused>(_decision).Why);
}
