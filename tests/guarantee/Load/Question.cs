namespace EventAuth.Guarantee.Load;

/// <summary>What a proxy asks a gateway.</summary>
internal static class Question
{
    /// <param name="publicUrl">Where browsers believe to be.</param>
    /// <param name="cookies">As in a Cookie header; null: none.</param>
    /// <param name="accept">Says whether a person or a program waits.</param>
    public static HttpRequestMessage Of(Uri gateway, Uri publicUrl, string? cookies, string accept)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway, "/verify"));
        request.Headers.TryAddWithoutValidation("X-Forwarded-Method", "GET");
        request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", publicUrl.Scheme);
        request.Headers.TryAddWithoutValidation("X-Forwarded-Host", publicUrl.Authority);
        request.Headers.TryAddWithoutValidation("X-Forwarded-Uri", "/");
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (cookies is not null)
        {
            request.Headers.TryAddWithoutValidation("Cookie", cookies);
        }

        return request;
    }
}
