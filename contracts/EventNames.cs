using System.Text.Json;

namespace EventAuth.Contracts;

/// <summary>
/// Stored name of each kind of event, as Marten makes it (<c>session_issued</c>), and back to its type.
/// An unknown name is a programming or deployment error and stops the reader: it must not be skipped in silence.
/// </summary>
public static class EventNames
{
    private static readonly IReadOnlyDictionary<string, Type> ByName = new Dictionary<string, Type>
    {
        ["session_issued"] = typeof(SessionIssued),
        ["session_refreshed"] = typeof(SessionRefreshed),
        ["session_refresh_failed"] = typeof(SessionRefreshFailed),
        ["session_claims_changed"] = typeof(SessionClaimsChanged),
        ["revalidation_skipped"] = typeof(RevalidationSkipped),
        ["session_ended"] = typeof(SessionEnded),
        ["subject_revoked"] = typeof(SubjectRevoked),
        ["all_revoked"] = typeof(AllRevoked),
        ["token_revoked"] = typeof(TokenRevoked),
        ["login_refused"] = typeof(LoginRefused),
        ["policy_loaded"] = typeof(PolicyLoaded),
    };

    private static readonly IReadOnlyDictionary<Type, string> ByType = ByName.ToDictionary(p => p.Value, p => p.Key);

    /// <summary>All stored names.</summary>
    public static IEnumerable<string> All => ByName.Keys;

    /// <summary>Marten's alias for an event's type.</summary>
    public static string Of(object @event) => ByType[@event.GetType()];

    /// <summary>Marten's <c>mt_dotnet_type</c>.</summary>
    public static string DotNetType(object @event) => $"{@event.GetType().FullName}, EventAuth.Contracts";

    /// <summary>The event as stored JSON.</summary>
    public static string ToJson(object @event) => JsonSerializer.Serialize(@event, @event.GetType());

    /// <summary>Reads a stored event.</summary>
    /// <exception cref="InvalidOperationException">The name is unknown or the JSON is not of its shape.</exception>
    public static object FromJson(string name, string json) =>
        ByName.TryGetValue(name, out var type)
            ? JsonSerializer.Deserialize(json, type) ?? throw new InvalidOperationException($"event {name} holds JSON null")
            : throw new InvalidOperationException($"the store holds an event '{name}' that this version does not know");
}
