namespace EventAuth.Domain.Access;

/// <summary>What is waiting for the answer. Only a navigation can follow a redirect to a login page and come back.</summary>
public enum RequestKind
{
    /// <summary>Answered like <see cref="Api"/>.</summary>
    Unspecified = 0,
    Navigation,
    Api,
    Preflight,
    WebSocket,
    EventStream,
}

/// <summary>The headers that tell kinds of requests apart; they choose the form of an answer, never who may pass.</summary>
public readonly record struct RequestHints
{
    /// <summary>The original method, as the proxy tells it.</summary>
    public string? Method { get; init; }

    /// <summary><c>Sec-Fetch-Mode</c></summary>
    public string? FetchMode { get; init; }

    /// <summary><c>Sec-Fetch-Dest</c></summary>
    public string? FetchDest { get; init; }

    /// <summary><c>Accept</c></summary>
    public string? Accept { get; init; }

    /// <summary><c>X-Requested-With</c></summary>
    public string? RequestedWith { get; init; }

    /// <summary><c>Origin</c></summary>
    public string? Origin { get; init; }

    /// <summary><c>Access-Control-Request-Method</c></summary>
    public string? AccessControlRequestMethod { get; init; }

    /// <summary>Proxies strip <c>Upgrade</c>; of a WebSocket handshake only <c>Sec-WebSocket-Key</c> arrives.</summary>
    public bool HasWebSocketKey { get; init; }

    /// <summary>The kind of the request. An empty header counts as none: some proxies write all they know of.</summary>
    public RequestKind Classify()
    {
        if (HasWebSocketKey || Is(FetchMode, "websocket"))
        {
            return RequestKind.WebSocket;
        }

        if (Method is not ("GET" or "HEAD"))
        {
            return Method == "OPTIONS" && IsSent(Origin) && IsSent(AccessControlRequestMethod)
                ? RequestKind.Preflight
                : RequestKind.Api;
        }

        if (Accepts("text/event-stream"))
        {
            return RequestKind.EventStream;
        }

        return IsNavigation() ? RequestKind.Navigation : RequestKind.Api;
    }

    private bool IsNavigation()
    {
        // A frame is no navigation: a login page refuses to be framed, and the user would see nothing.
        if (IsSent(FetchDest) && !Is(FetchDest, "document"))
        {
            return false;
        }

        if (IsSent(FetchMode))
        {
            return Is(FetchMode, "navigate");
        }

        return !IsScripted() && AcceptsPage();
    }

    // Android's web views put their package name there on every navigation: it has a dot, the names of libraries don't.
    private bool IsScripted() => IsSent(RequestedWith) && !RequestedWith!.Contains('.');

    // A client without preferences that asks for a page gets what a browser would get.
    private bool AcceptsPage() =>
        !IsSent(Accept) || Accepts("text/html") || Accepts("application/xhtml+xml") || AcceptsOnlyAnything();

    private bool AcceptsOnlyAnything()
    {
        var text = Accept.AsSpan();
        return !text.Contains(',') && MediaType(text) is "*/*";
    }

    private bool Accepts(ReadOnlySpan<char> mediaType)
    {
        var text = Accept.AsSpan();
        foreach (var range in text.Split(','))
        {
            if (MediaType(text[range]).Equals(mediaType, StringComparison.OrdinalIgnoreCase) && !IsExcluded(text[range]))
            {
                return true;
            }
        }

        return false;
    }

    private static ReadOnlySpan<char> MediaType(ReadOnlySpan<char> range) =>
        (range.IndexOf(';') is >= 0 and var at ? range[..at] : range).Trim();

    // RFC 9110, 12.4.2: a weight of 0 means "not acceptable".
    private static bool IsExcluded(ReadOnlySpan<char> range)
    {
        var weight = range.IndexOf("q=", StringComparison.OrdinalIgnoreCase);
        return weight >= 0 && range[(weight + 2)..].Trim() is ['0', .. var decimals] && !decimals.ContainsAnyExcept('.', '0');
    }

    private static bool IsSent(string? value) => !string.IsNullOrWhiteSpace(value);

    private static bool Is(string? value, string expected) =>
        value.AsSpan().Trim().Equals(expected, StringComparison.OrdinalIgnoreCase);
}
