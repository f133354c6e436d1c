using EventAuth.Contracts;
using EventAuth.Domain.Login;
using EventAuth.Domain.Refresh;

namespace EventAuth.Revalidator;

/// <summary>What came of asking the IdP about a session.</summary>
public abstract record CheckAnswer
{
    private CheckAnswer() { }

    /// <summary>The IdP stands by it.</summary>
    /// <param name="Claims">What it says of the person now.</param>
    public sealed record Confirmed(MappedClaims Claims) : CheckAnswer;

    /// <summary>The IdP refused, or did not answer.</summary>
    public sealed record NotConfirmed(ProviderAnswer Answer) : CheckAnswer;

    /// <summary>There is no token to ask with.</summary>
    public sealed record NoTokens : CheckAnswer;

    /// <summary>Another replica is renewing the tokens at this moment.</summary>
    public sealed record Busy : CheckAnswer;

    /// <summary>The session ended meanwhile.</summary>
    public sealed record Over(EndReason Reason) : CheckAnswer;
}

/// <summary>What is to be done after a check.</summary>
public abstract record CheckStep
{
    private CheckStep() { }

    /// <summary>Note that it was verified, with what the IdP says of the person.</summary>
    public sealed record Keep(MappedClaims Claims) : CheckStep;

    /// <summary>Everything of the subject ends.</summary>
    public sealed record RevokeSubject(EndReason Reason, string Error) : CheckStep;

    /// <summary>This session ends: nobody has vouched for it for too long, or nobody can.</summary>
    public sealed record EndUnverified(string Error) : CheckStep;

    /// <summary>The session goes on unverified; that is recorded once per outage.</summary>
    public sealed record Skip(string Error, TimeSpan? RetryAfter) : CheckStep;

    /// <summary>The session goes on; operators must mend our registration at the IdP.</summary>
    public sealed record Alarm(string Error) : CheckStep;

    /// <summary>Look again soon; nothing is recorded.</summary>
    public sealed record LookAgain : CheckStep;

    /// <summary>Nothing: it is over.</summary>
    public sealed record Leave : CheckStep;
}
