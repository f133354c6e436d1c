using System.Text.Json;
using EventAuth.Vectors.Files;

namespace EventAuth.Vectors.Suites;

/// <summary>One address that somebody wants a browser to be sent to.</summary>
internal sealed record RedirectRow(string Id, Members Vector, string Payload, string Wire, string Expected, string Browser)
{
    public bool IsPath => Payload.StartsWith('/');

    /// <summary>Whether a client could have asked a proxy for it: as a path, or in absolute form.</summary>
    public bool IsForProxies => IsPath || IsAbsolute;

    /// <summary>No header can hold it with these.</summary>
    public bool FitsHeader => !Payload.AsSpan().ContainsAny("\r\n\0");

    /// <summary>A browser that follows it stays at home, or goes where it may.</summary>
    public bool IsHarmless => Browser == "same-origin" || Browser.StartsWith("allowlisted:", StringComparison.Ordinal);

    private bool IsAbsolute => Payload.StartsWith("http://", StringComparison.Ordinal) || Payload.StartsWith("https://", StringComparison.Ordinal);

    public static RedirectRow Of(JsonElement element)
    {
        var (id, vector) = Scope.Read(element);
        vector.Ignore("sources", "source_verdict", "policy");
        var payload = vector.Text("payload");
        if (vector.Text("payload_generator") is { } description)
        {
            payload = Generator.Make(description);
        }

        if (payload is null)
        {
            vector.Say("has no payload, or one that can't be generated");
        }

        var expected = vector.Text("expected") ?? "";
        if (expected is not ("reject" or "accept" or "either"))
        {
            vector.Say($"expects '{expected}', which is not understood");
        }

        var wire = vector.Text("wire") ?? "rd=" + Uri.EscapeDataString(payload ?? "");
        return new RedirectRow(id, vector, payload ?? "", wire, expected, vector.Text("browser") ?? "");
    }

    /// <summary>The address that ours would have to be for this to be honoured; null when <paramref name="self"/> will do.</summary>
    public Uri? Needs(Uri self)
    {
        if (Expected != "accept" || !IsAbsolute || !Uri.TryCreate(Payload, UriKind.Absolute, out var url))
        {
            return null;
        }

        var scheme = url.Scheme == "http" || self.Scheme == "https" ? url.Scheme : self.Scheme;
        var fits = (url.Scheme == "https" || self.Scheme == "http") && (url.IsDefaultPort || (url.Port == self.Port && url.Scheme == self.Scheme));
        return fits ? null : new UriBuilder(self) { Scheme = scheme, Port = url.IsDefaultPort ? -1 : url.Port }.Uri;
    }
}
