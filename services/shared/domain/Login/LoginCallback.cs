namespace EventAuth.Domain.Login;

/// <summary>The parameters of the IdP's answer as received: every value of each, none picked.</summary>
public sealed record CallbackParameters(
    IReadOnlyList<string> State,
    IReadOnlyList<string> Code,
    IReadOnlyList<string> Issuer,
    IReadOnlyList<string> Error,
    IReadOnlyList<string> ErrorDescription);

/// <summary>What the IdP's answer through the browser means.</summary>
public abstract record CallbackOutcome
{
    private CallbackOutcome() { }

    /// <summary>There is a code to exchange.</summary>
    public sealed record Proceed(string Code) : CallbackOutcome
    {
        /// <summary>Shows no code.</summary>
        public override string ToString() => "proceed";
    }

    /// <summary>The IdP says no.</summary>
    /// <param name="Error">OAuth error code in its charset.</param>
    /// <param name="Description">Printable ASCII of at most 200 characters; still to be escaped where it is shown.</param>
    public sealed record ProviderError(string Error, string? Description) : CallbackOutcome;

    /// <summary>The answer is not one to our question.</summary>
    public sealed record Refused(string Rule, string Description) : CallbackOutcome;
}

/// <summary>
/// Checks the authorization response (RFC 6749 4.1.2, RFC 9207, RFC 9700 4.4 and 4.7) before anything is asked of the IdP.
/// </summary>
public static class LoginCallback
{
    private const int MaxStateLength = 256;
    private const int MaxCodeLength = 4096;
    private const int MaxDescriptionLength = 200;

    /// <summary>The one state by which the attempt is looked up; error answers need it too.</summary>
    public static bool TryState(CallbackParameters parameters, out string state)
    {
        state = parameters.State is [{ Length: > 0 and <= MaxStateLength } one] ? one : "";
        return state.Length > 0;
    }

    /// <summary>What to do with an answer whose state belongs to <paramref name="attempt"/>.</summary>
    /// <param name="issuerRequired">The IdP advertises <c>authorization_response_iss_parameter_supported</c>.</param>
    public static CallbackOutcome Check(
        CallbackParameters parameters, LoginAttempt attempt, bool issuerRequired, DateTimeOffset now)
    {
        if (!TryState(parameters, out _))
        {
            return Refuse("state", "state is missing, too long or given twice");
        }

        if (attempt.IsOver(now))
        {
            return Refuse("attempt-expired", "the sign-in took too long");
        }

        // Before the error is looked at: an error of another IdP says nothing about this attempt.
        if (CheckIssuer(parameters.Issuer, attempt.Issuer, issuerRequired) is { } wrongIssuer)
        {
            return wrongIssuer;
        }

        return (parameters.Code, parameters.Error) switch
        {
            ([{ Length: > 0 and <= MaxCodeLength } code], []) => new CallbackOutcome.Proceed(code),
            ([], [{ } error]) => new CallbackOutcome.ProviderError(
                OAuthText.ErrorCode(error), OAuthText.Description(parameters.ErrorDescription, MaxDescriptionLength)),
            _ => Refuse("code", "the answer needs exactly one code or one error"),
        };
    }

    private static CallbackOutcome.Refused? CheckIssuer(IReadOnlyList<string> issuers, string expected, bool required) =>
        issuers switch
        {
            [] when required => Refuse("iss-missing", "the answer does not name its issuer"),
            [] => null,
            [{ } issuer] when string.Equals(issuer, expected, StringComparison.Ordinal) => null,
            [_] => Refuse("iss", "the answer comes from another issuer"),
            _ => Refuse("iss-twice", "the answer names its issuer twice"),
        };

    private static CallbackOutcome.Refused Refuse(string rule, string description) => new(rule, description);
}
