using System.Text.Json;

namespace EventAuth.Adapters.Oidc;

/// <summary>A compact JWS whose form and header obey our policy; its signature has not been looked at.</summary>
/// <param name="UnverifiedPayload">Only for choosing whose keys to try.</param>
public sealed record ParsedJws(
    JsonElement Header, JsonElement UnverifiedPayload, string Algorithm, string? KeyId, byte[] SigningInput, byte[] Signature)
{
    /// <summary>Shows nothing of the token but its algorithm.</summary>
    public override string ToString() => $"{Algorithm} token, not verified";
}

/// <summary>Whether a text is a JWS at all.</summary>
public abstract record JwsParse
{
    private JwsParse() { }

    /// <summary>The form is right.</summary>
    public sealed record Parsed(ParsedJws Jws) : JwsParse;

    /// <summary>The form is wrong; the description holds no part of the token.</summary>
    public sealed record Refused(string Rule, string Description) : JwsParse;
}

/// <summary>What came of checking a signature.</summary>
public abstract record JwsResult
{
    private JwsResult() { }

    /// <summary>Signed by a key of the issuer.</summary>
    public sealed record Verified(JsonElement Header, JsonElement Payload) : JwsResult
    {
        /// <summary>Shows nothing of the token.</summary>
        public override string ToString() => "verified token";
    }

    /// <summary>The header names a key we don't have, or none and no key of ours fits: it may be newer than our copy.</summary>
    public sealed record UnknownKey : JwsResult;

    /// <summary>The signature does not hold.</summary>
    public sealed record Refused(string Rule, string Description) : JwsResult;
}
