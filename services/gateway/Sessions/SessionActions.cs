using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Contracts;
using EventAuth.Gateway.Login;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Sessions;

/// <summary>What came of asking for an end.</summary>
internal abstract record Ending
{
    private Ending() { }

    /// <param name="Position">Where it stands in the revocation feed.</param>
    /// <param name="Fresh">False when it was over before.</param>
    public sealed record Done(long Position, bool Fresh) : Ending;

    /// <summary>There is no such session or subject, and whoever asks may know that.</summary>
    public sealed record Unknown : Ending;

    /// <summary>Not theirs, and no rule names them; says nothing about whether it exists.</summary>
    public sealed record NotAllowed : Ending;
}

/// <summary>Ends sessions for the people they belong to, and for those whom a rule names; the same for page and API.</summary>
internal sealed class SessionActions(SessionIndex index, SessionEnding ending, Revocations revocations, OwnRules rules, SessionsLog log)
{
    /// <summary>Where everybody is signed out.</summary>
    public const string EverybodyPath = "/api/everybody/revoke";

    private const int OthersAtOnce = 200;

    /// <summary>Ends one session.</summary>
    /// <param name="method">The method a rule must name for sessions of others.</param>
    public async Task<Ending> EndAsync(
        Visitor visitor, SessionId id, string? reason, string method, string path, string correlationId, CancellationToken ct)
    {
        var session = await index.FindAsync(id, ct);
        var own = session?.Subject.Key == visitor.Key;
        if (!own && !rules.Admit(visitor, method, path))
        {
            return new Ending.NotAllowed();
        }

        if (session is null)
        {
            return new Ending.Unknown();
        }

        var fresh = await EndAsync(
            visitor, id, own ? EndReason.EndedByUser : EndReason.EndedByOperator, reason, correlationId, CancellationToken.None);
        var after = await index.FindAsync(id, ct);
        return new Ending.Done(after?.RevokedPosition ?? 0, fresh);
    }

    /// <summary>Ends everything of a subject that began before this moment.</summary>
    public async Task<Ending> RevokeAsync(
        Visitor visitor, SubjectKey key, string reason, string method, string path, string correlationId, CancellationToken ct)
    {
        // Two addresses for the same power: a rule about either gives it.
        var own = key == visitor.Key;
        if (!own && !rules.Admit(visitor, method, path) && !rules.Admit(visitor, HttpMethods.Delete, "/api/sessions"))
        {
            return new Ending.NotAllowed();
        }

        if (await index.SubjectAsync(key, ct) is not { } subject)
        {
            return new Ending.Unknown();
        }

        var cause = new RevocationCause(own ? EndReason.EndedByUser : EndReason.EndedByOperator, own ? "user" : "operator",
            reason, visitor.Key.ToString(), correlationId);
        var receipt = await revocations.RevokeSubjectAsync(subject, cause, CancellationToken.None);
        log.Revoked(key, receipt.Position, visitor.Key);
        return new Ending.Done(receipt.Position, receipt.Fresh);
    }

    /// <summary>Ends everything of everybody that began before this moment, the visitor's own sessions too.</summary>
    public async Task<Ending> RevokeEverybodyAsync(Visitor visitor, string reason, string correlationId)
    {
        if (!MayRevokeEverybody(visitor))
        {
            return new Ending.NotAllowed();
        }

        var cause = new RevocationCause(EndReason.EndedByOperator, "operator", reason, visitor.Key.ToString(), correlationId);
        var receipt = await revocations.RevokeEverybodyAsync(cause, CancellationToken.None);
        log.RevokedEverybody(receipt.Position, visitor.Key);
        return new Ending.Done(receipt.Position, receipt.Fresh);
    }

    /// <summary>Whether a rule written for that very place names the visitor; one about sessions or subjects is not enough.</summary>
    public bool MayRevokeEverybody(Visitor visitor) => rules.Admit(visitor, HttpMethods.Post, EverybodyPath);

    /// <summary>Ends all sessions of the visitor except the one they look from.</summary>
    public async Task EndOthersAsync(Visitor visitor, string correlationId, CancellationToken ct)
    {
        IReadOnlyList<SessionRow> page;
        (DateTimeOffset, SessionId)? before = null;
        do
        {
            page = await index.ListAsync(visitor.Key, live: true, before, OthersAtOnce, ct);
            foreach (var other in page.Where(s => s.Id != visitor.Session.Id && !s.IsOver))
            {
                await EndAsync(visitor, other.Id, EndReason.EndedByUser, "all others", correlationId, ct);
            }

            before = page.Count > 0 ? (page[^1].IssuedAt, page[^1].Id) : null;
        }
        while (page.Count == OthersAtOnce);
    }

    private async Task<bool> EndAsync(
        Visitor visitor, SessionId id, EndReason why, string? reason, string correlationId, CancellationToken ct)
    {
        var fresh = await ending.EndAsync(id, why, reason, visitor.Key, correlationId, ct);
        if (fresh)
        {
            log.Ended(id, visitor.Key, why);
        }

        return fresh;
    }
}
