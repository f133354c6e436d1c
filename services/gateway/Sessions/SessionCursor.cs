using System.Globalization;
using EventAuth.Adapters.Postgres;
using EventAuth.Contracts;

namespace EventAuth.Gateway.Sessions;

/// <summary>Where a page of sessions ended: issue time and id of its last row, as text for a URL.</summary>
internal static class SessionCursor
{
    public static string Of(SessionRow last) =>
        string.Create(CultureInfo.InvariantCulture, $"{last.IssuedAt.UtcTicks}-{last.Id}");

    public static bool TryParse(string? text, out (DateTimeOffset At, SessionId Id)? before)
    {
        before = null;
        var parts = text?.Split('-');
        if (parts is not [{ Length: <= 19 } ticks, var id]
            || !long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            || at > DateTimeOffset.MaxValue.UtcTicks
            || !SessionId.TryParse(id, out var session))
        {
            return false;
        }

        before = (new DateTimeOffset(at, TimeSpan.Zero), session);
        return true;
    }
}
