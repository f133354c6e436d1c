using System.Text.Json.Serialization;

namespace EventAuth.Contracts;

/// <summary>What happened outside a single session: to a person, at a login, to the policy.</summary>
public abstract record SubjectEvent
{
    private protected SubjectEvent() { }
}

/// <summary>
/// Every session of a subject (or of one of the IdP's sessions, when <see cref="Sid"/> is given) that began before
/// <see cref="Position"/> is dead. Stored before anybody is told.
/// </summary>
/// <param name="Position">Place in the revocation feed; order decides, not time.</param>
/// <param name="NotBefore">The commit's moment, for tokens that carry only a time.</param>
/// <param name="Source">backchannel, revalidation, operator or user.</param>
/// <param name="Cause">Logout token's jti, OAuth error code, or the operator's reason.</param>
public sealed record SubjectRevoked(
    [property: JsonPropertyName("issuer")] string Issuer,
    [property: JsonPropertyName("sub")] string? Sub,
    [property: JsonPropertyName("sid")] string? Sid,
    [property: JsonPropertyName("position")] long Position,
    [property: JsonPropertyName("notBefore")] DateTimeOffset NotBefore,
    [property: JsonPropertyName("reason")] EndReason Reason,
    [property: JsonPropertyName("source")] string Source,
    [property: JsonPropertyName("cause")] string? Cause,
    [property: JsonPropertyName("actor")] string? Actor) : SubjectEvent;

/// <summary>
/// Every session of everybody that began before <see cref="Position"/> is dead: one event, however many they are.
/// </summary>
/// <param name="Position">Place in the revocation feed; order decides, not time.</param>
/// <param name="NotBefore">The commit's moment, for tokens that carry only a time.</param>
/// <param name="Source">Whence the wish came: operator.</param>
/// <param name="Cause">The operator's reason.</param>
public sealed record AllRevoked(
    [property: JsonPropertyName("position")] long Position,
    [property: JsonPropertyName("notBefore")] DateTimeOffset NotBefore,
    [property: JsonPropertyName("reason")] EndReason Reason,
    [property: JsonPropertyName("source")] string Source,
    [property: JsonPropertyName("cause")] string? Cause,
    [property: JsonPropertyName("actor")] string? Actor) : SubjectEvent;

/// <summary>One access token (<c>jti</c> of an issuer) is no longer accepted, however long it says it lives.</summary>
/// <param name="Position">Place in the revocation feed.</param>
/// <param name="NotBefore">The commit's moment.</param>
/// <param name="Source">Whence the wish came: operator.</param>
/// <param name="Cause">The operator's reason.</param>
public sealed record TokenRevoked(
    [property: JsonPropertyName("issuer")] string Issuer,
    [property: JsonPropertyName("jti")] string Jti,
    [property: JsonPropertyName("position")] long Position,
    [property: JsonPropertyName("notBefore")] DateTimeOffset NotBefore,
    [property: JsonPropertyName("reason")] EndReason Reason,
    [property: JsonPropertyName("source")] string Source,
    [property: JsonPropertyName("cause")] string? Cause,
    [property: JsonPropertyName("actor")] string? Actor) : SubjectEvent;

/// <summary>A browser came back from the IdP and got no session.</summary>
/// <param name="Incident">The short id on the error page.</param>
public sealed record LoginRefused(
    [property: JsonPropertyName("at")] DateTimeOffset At,
    [property: JsonPropertyName("issuer")] string Issuer,
    [property: JsonPropertyName("reason")] string Reason,
    [property: JsonPropertyName("incident")] string Incident) : SubjectEvent;

/// <summary>A replica began to decide by these rules. E-mail addresses in them are replaced by keyed hashes.</summary>
public sealed record PolicyLoaded(
    [property: JsonPropertyName("at")] DateTimeOffset At,
    [property: JsonPropertyName("hash")] string Hash,
    [property: JsonPropertyName("rules")] IReadOnlyList<string> Rules,
    [property: JsonPropertyName("groups")] IReadOnlyDictionary<string, IReadOnlyList<string>> Groups) : SubjectEvent;
