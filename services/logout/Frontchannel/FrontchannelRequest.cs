namespace EventAuth.Logout.Frontchannel;

/// <summary>What a front-channel logout says: of which session of which IdP (Front-Channel Logout 1.0, 3).</summary>
internal readonly record struct FrontchannelRequest(string Issuer, string Sid)
{
    private const int MaxQuery = 8 * 1024;
    private const int MaxSid = 255;

    /// <summary>
    /// Both are optional in the specification and needed here: a sid alone belongs to nobody, and an issuer alone would sign
    /// out whoever. Each exactly once, or somebody in front of us may read another one than we do.
    /// </summary>
    public static bool TryRead(HttpRequest request, out FrontchannelRequest found)
    {
        found = default;
        if (request.QueryString.Value is not { Length: > 0 and <= MaxQuery }
            || request.Query["iss"] is not [{ Length: > 0 } issuer]
            || request.Query["sid"] is not [{ Length: > 0 and <= MaxSid } sid])
        {
            return false;
        }

        found = new FrontchannelRequest(issuer, sid);
        return true;
    }
}
