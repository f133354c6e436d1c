using System.Text.Json.Nodes;

namespace EventAuth.StubIdp;

/// <summary>How the stub departs from the truth in what it says and signs; null and false: not at all.</summary>
public sealed class StubDeviations
{
    /// <summary>Of the discovery document.</summary>
    public Action<JsonObject>? Discovery { get; set; }

    /// <summary>Of the parameters that the browser brings back; null drops one.</summary>
    public Action<IDictionary<string, string?>>? Callback { get; set; }

    /// <summary>Of a successful answer of the token endpoint.</summary>
    public Action<JsonObject>? TokenAnswer { get; set; }

    /// <summary>Of an ID token's claims, before it is signed.</summary>
    public Action<JsonObject>? Claims { get; set; }

    /// <summary>Of an ID token's header, before it is signed.</summary>
    public Action<JsonObject>? Header { get; set; }

    public StubSignature Signature { get; set; }

    /// <summary>Happens right before an ID token is signed: a rotation for example.</summary>
    public Action? BeforeSigning { get; set; }

    /// <summary>Instead of the ID token: this text.</summary>
    public string? IdToken { get; set; }

    /// <summary>Of userinfo's claims.</summary>
    public Action<JsonObject>? UserInfo { get; set; }

    /// <summary>Userinfo is a signed token (OpenID Connect Core 5.3.2).</summary>
    public bool SignsUserInfo { get; set; }
}

/// <summary>How a token of the stub is signed.</summary>
public enum StubSignature
{
    /// <summary>RS256 by the newest published key.</summary>
    True = 0,

    /// <summary><c>alg: none</c> and no signature.</summary>
    None,

    /// <summary>RS256, one bit changed.</summary>
    Broken,

    /// <summary>RS256 by a key that nobody published, under the name of the published one.</summary>
    OtherKey,

    /// <summary>HS256 with the client's secret.</summary>
    SharedSecret,

    /// <summary>ES256 by a key that nobody published.</summary>
    Elliptic,
}
