using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Checking;

/// <summary>C5: an acknowledged logout has exactly one event, a refused one has none, and the audit lists them.</summary>
internal static class RecordIsWhole
{
    public static IEnumerable<Violation> Check(History history)
    {
        // 503 and silence are not a refusal, but while something is broken they are no acceptance either.
        foreach (var token in history.WrongTokens.Where(t => t.Status is not (400 or 503 or 0)))
        {
            yield return new Violation("C5", 0, $"the token {token.Jti} ({token.Wrong}) was answered {token.Status}");
        }

        if (history.Final is not { } final)
        {
            yield break;
        }

        foreach (var revocation in history.Revocations)
        {
            var events = final.EventsByJti.GetValueOrDefault(revocation.Jti);
            if (revocation.Acked is { } acked && events != 1)
            {
                yield return new Violation("C5", acked, $"{revocation.Jti} was acknowledged, but the record has {events} events of it");
            }
            else if (events > 1)
            {
                yield return new Violation("C5", revocation.FirstSent, $"the record has {events} events of {revocation.Jti}");
            }
            else if (revocation.Acked is not null && final.AuditedJti is { } audited && !audited.Contains(revocation.Jti))
            {
                yield return new Violation("C5", revocation.FirstSent, $"the audit does not list {revocation.Jti}");
            }
        }

        foreach (var token in history.WrongTokens.Where(t => final.EventsByJti.ContainsKey(t.Jti)))
        {
            yield return new Violation("C5", 0, $"the token {token.Jti} ({token.Wrong}) was answered {token.Status}, but the record has an event of it");
        }
    }
}
