namespace EventAuth.Adapters.Settings;

/// <summary>Reads what of <c>providers</c> needs more than a look.</summary>
internal static class ProviderRules
{
    /// <summary>Where an issuer's discovery document is, when its own address is not reachable from here.</summary>
    public static Uri? MetadataUrl(SettingsReader r, string path)
    {
        var url = r.Url(path, "http", "https");
        if (url is { Scheme: "http", IsLoopback: false })
        {
            r.Fail(path, $"'{url}' must be https (http is for loopback only): whoever can change the document can sign in as anybody");
        }

        if (url is not null && (url.UserInfo.Length > 0 || url.Fragment.Length > 0))
        {
            r.Fail(path, "must have no user and no fragment");
        }

        return url;
    }
}
