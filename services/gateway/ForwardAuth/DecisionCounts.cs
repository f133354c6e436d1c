using System.Diagnostics.Metrics;
using EventAuth.Domain.Access;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>Decisions counted in plain fields: a metrics call per request would cost more than the decision.</summary>
internal sealed class DecisionCounts
{
    private static readonly string[] Names =
        ["allow", "allow-public", "sign-in", "unauthenticated", "deny", "unavailable", "allowed_in_grace", "position-not-reached",
            "invalid-token", "insufficient-scope", "too-many-failures"];

    private const int InGrace = 6;
    private readonly long[] _counts = new long[Names.Length];

    /// <param name="inGrace">An allow out of memory that is older than the bound.</param>
    public void Count(AccessDecision decision, bool inGrace = false) => Interlocked.Increment(ref _counts[inGrace ? InGrace : IndexOf(decision)]);

    public static string NameOf(AccessDecision decision) =>
        decision is AccessDecision.Deny deny ? $"deny ({deny.Reason.Id()})" : Names[IndexOf(decision)];

    public IEnumerable<Measurement<long>> Read() =>
        Names.Select((name, i) => new Measurement<long>(Volatile.Read(ref _counts[i]), new KeyValuePair<string, object?>("decision", name)));

    private static int IndexOf(AccessDecision decision) => decision switch
    {
        AccessDecision.Allow => 0,
        AccessDecision.AllowPublic => 1,
        AccessDecision.SignIn => 2,
        AccessDecision.Unauthenticated => 3,
        AccessDecision.Unavailable => 5,
        AccessDecision.PositionNotReached => 7,
        AccessDecision.InvalidToken => 8,
        AccessDecision.InsufficientScope => 9,
        AccessDecision.TooManyFailures => 10,
        _ => 4,
    };
}
