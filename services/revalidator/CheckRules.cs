using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Refresh;

namespace EventAuth.Revalidator;

/// <summary>
/// From an IdP's answer to what is done. Pure; read from the top, the order is the policy. Only the IdP's own word about
/// the grant ends a subject; a wrong client secret never signs anybody out.
/// </summary>
public static class CheckRules
{
    /// <param name="unverifiedFor">Time since the IdP last stood by the session.</param>
    /// <param name="accessExpired">The access token has expired.</param>
    public static CheckStep Decide(
        CheckAnswer answer, RevalidationSettings settings, TimeSpan unverifiedFor, bool accessExpired) => answer switch
        {
            CheckAnswer.Confirmed c => new CheckStep.Keep(c.Claims),
            CheckAnswer.Over => new CheckStep.Leave(),
            CheckAnswer.Busy => new CheckStep.LookAgain(),

            CheckAnswer.NotConfirmed { Answer: ProviderAnswer.IdentityChanged a } =>
                new CheckStep.RevokeSubject(EndReason.IdentityChanged, a.Error),
            CheckAnswer.NotConfirmed { Answer: { IsFatal: true } a } =>
                new CheckStep.RevokeSubject(EndReason.RefusedByProvider, a.Error),
            CheckAnswer.NotConfirmed { Answer: ProviderAnswer.Misconfigured a } => new CheckStep.Alarm(a.Error),

            // No refresh token, and the access token is not taken: only a new login can help.
            CheckAnswer.NotConfirmed { Answer: ProviderAnswer.AccessTokenRefused a } => new CheckStep.EndUnverified(a.Error),
            CheckAnswer.NoTokens when accessExpired => new CheckStep.EndUnverified("no_tokens"),
            CheckAnswer.NoTokens => new CheckStep.Skip("no_tokens", null),

            CheckAnswer.NotConfirmed { Answer: var a } when settings.OnFailure != OnFailure.Allow => new CheckStep.EndUnverified(a.Error),
            CheckAnswer.NotConfirmed { Answer: var a } when IsTooOld(settings, unverifiedFor) => new CheckStep.EndUnverified(a.Error),
            CheckAnswer.NotConfirmed { Answer: ProviderAnswer.Unavailable a } => new CheckStep.Skip(a.Error, a.RetryAfter),
            CheckAnswer.NotConfirmed { Answer: var a } => new CheckStep.Skip(a.Error, null),
            _ => new CheckStep.Skip("unspecified", null),
        };

    private static bool IsTooOld(RevalidationSettings settings, TimeSpan unverifiedFor) =>
        settings.MaxUnverifiedAge > TimeSpan.Zero && unverifiedFor >= settings.MaxUnverifiedAge;
}
