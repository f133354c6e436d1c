using System.Text.Json.Serialization;

namespace EventAuth.Contracts;

/// <summary>
/// What happened to a session. Stored forever: members may be added, never changed or removed.
/// Names and JSON are frozen by golden files. No token, cookie, e-mail address or name ever.
/// </summary>
public abstract record SessionEvent
{
    private protected SessionEvent() { }
}

/// <summary>Somebody signed in and a session began.</summary>
/// <param name="Position">Feed position at which the login began: revocations after it hit this session.</param>
/// <param name="ExpiresAt">Absolute end; nothing extends it.</param>
public sealed record SessionIssued(
    [property: JsonPropertyName("issuer")] string Issuer,
    [property: JsonPropertyName("sub")] string Sub,
    [property: JsonPropertyName("sid")] string? Sid,
    [property: JsonPropertyName("clientId")] string ClientId,
    [property: JsonPropertyName("groups")] IReadOnlyList<string> Groups,
    [property: JsonPropertyName("roles")] IReadOnlyList<string> Roles,
    [property: JsonPropertyName("position")] long Position,
    [property: JsonPropertyName("at")] DateTimeOffset At,
    [property: JsonPropertyName("expiresAt")] DateTimeOffset ExpiresAt,
    [property: JsonPropertyName("accessExpiresAt")] DateTimeOffset AccessExpiresAt,
    [property: JsonPropertyName("refreshable")] bool Refreshable) : SessionEvent;

/// <summary>The IdP renewed the session's tokens.</summary>
/// <param name="TokenVersion">Counts from 1 at issuance; each successful refresh adds one.</param>
/// <param name="By">Who asked: <c>gateway</c> or <c>revalidator</c>.</param>
public sealed record SessionRefreshed(
    [property: JsonPropertyName("tokenVersion")] int TokenVersion,
    [property: JsonPropertyName("at")] DateTimeOffset At,
    [property: JsonPropertyName("accessExpiresAt")] DateTimeOffset AccessExpiresAt,
    [property: JsonPropertyName("refreshable")] bool Refreshable,
    [property: JsonPropertyName("by")] string By) : SessionEvent;

/// <summary>A refresh brought no tokens, and the session goes on.</summary>
/// <param name="Outcome">unavailable (no answer that could be understood), misconfigured or access-token-refused.</param>
/// <param name="Error">OAuth error code or transport class, never a message of the IdP.</param>
public sealed record SessionRefreshFailed(
    [property: JsonPropertyName("tokenVersion")] int TokenVersion,
    [property: JsonPropertyName("at")] DateTimeOffset At,
    [property: JsonPropertyName("outcome")] string Outcome,
    [property: JsonPropertyName("error")] string Error,
    [property: JsonPropertyName("by")] string By) : SessionEvent;

/// <summary>The IdP now tells other groups or roles.</summary>
public sealed record SessionClaimsChanged(
    [property: JsonPropertyName("at")] DateTimeOffset At,
    [property: JsonPropertyName("groups")] IReadOnlyList<string> Groups,
    [property: JsonPropertyName("roles")] IReadOnlyList<string> Roles) : SessionEvent;

/// <summary>The IdP could not be asked; written once per outage and session.</summary>
public sealed record RevalidationSkipped(
    [property: JsonPropertyName("at")] DateTimeOffset At,
    [property: JsonPropertyName("error")] string Error) : SessionEvent;

/// <summary>The session is over, for good.</summary>
/// <param name="Cause">What led to it: a logout token's id, an OAuth error code, an operator's words.</param>
/// <param name="Actor">Who did it, as a subject key or the name of a service.</param>
public sealed record SessionEnded(
    [property: JsonPropertyName("at")] DateTimeOffset At,
    [property: JsonPropertyName("reason")] EndReason Reason,
    [property: JsonPropertyName("cause")] string? Cause,
    [property: JsonPropertyName("actor")] string? Actor) : SessionEvent;

/// <summary>Why a session ended. Closed list, stored by name: new ones go to its end, none ever goes.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EndReason>))]
public enum EndReason
{
    Unspecified = 0,
    SignedOut,
    BackchannelLogout,
    RefusedByProvider,
    RefreshLost,
    Expired,
    Idle,
    Superseded,
    EndedByUser,
    EndedByOperator,
    IdentityChanged,
    Unverified,
    FrontchannelLogout,
}
