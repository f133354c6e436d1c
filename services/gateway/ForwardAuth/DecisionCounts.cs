using System.Diagnostics.Metrics;
using EventAuth.Domain.Access;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>Decisions counted in plain fields: a metrics call per request would cost more than the decision.</summary>
internal sealed class DecisionCounts
{
    private static readonly string[] Names = ["allow", "allow-public", "sign-in", "unauthenticated", "deny", "unavailable"];
    private readonly long[] _counts = new long[Names.Length];

    public void Count(AccessDecision decision) => Interlocked.Increment(ref _counts[IndexOf(decision)]);

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
        _ => 4,
    };
}
