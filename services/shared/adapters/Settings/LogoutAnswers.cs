namespace EventAuth.Adapters.Settings;

/// <summary>Reads what IdPs are told.</summary>
internal static class LogoutAnswers
{
    private const string UnavailableStatus = "logout.unavailableStatus";

    public static LogoutSettings Read(SettingsReader r)
    {
        var text = r.Text(UnavailableStatus, "503");
        if (text is not ("503" or "400"))
        {
            r.Fail(UnavailableStatus, $"'{text}' is neither 503 (come again) nor 400 (Back-Channel Logout 1.0, 2.8)");
        }

        return new LogoutSettings(text == "400" ? 400 : 503);
    }
}
