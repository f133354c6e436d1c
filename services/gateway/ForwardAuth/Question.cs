using EventAuth.Domain.Access;
using EventAuth.Gateway.Bearer;
using EventAuth.Gateway.Cache;

namespace EventAuth.Gateway.ForwardAuth;

/// <summary>What is to be decided: the original request, and its access token if it brought one.</summary>
/// <param name="Token">Null: none was brought, or none is looked at.</param>
internal readonly record struct Question(ForwardedRequest Request, TokenLookup? Token)
{
    /// <summary>The token's challenge text; empty when it is not what is wrong.</summary>
    public string TokenProblem => Token switch
    {
        TokenLookup.Refused refused => refused.Description,
        TokenLookup.Verified => "the token has expired, or it or its session was revoked",
        _ => "",
    };

    /// <summary>What the token says at this moment.</summary>
    public TokenStanding StandingOfToken(DateTimeOffset now, RevocationView view) => Token switch
    {
        TokenLookup.Verified verified => now >= verified.Until || view.Ends(verified.Keys)
            ? TokenStanding.Refused
            : TokenStanding.Valid(verified.Identity.Identity, verified.Scopes),
        TokenLookup.Refused or TokenLookup.Penalised => TokenStanding.Refused,
        _ => TokenStanding.Unknown,
    };
}
