using System.Text.Json.Nodes;
using EventAuth.Guarantee.Histories;
using EventAuth.StubIdp;

namespace EventAuth.Guarantee.Load;

/// <summary>Logout tokens that the webhook must refuse; each names a session that lives.</summary>
internal static class WrongTokens
{
    private static readonly (string Wrong, Action<JsonObject> Change)[] Claims =
    [
        ("audience", c => c["aud"] = "somebody-else"),
        ("issuer", c => c["iss"] = "https://elsewhere.example"),
        ("nonce", c => c["nonce"] = "n"),
        ("no events", c => c.Remove("events")),
        ("expired", c => c["exp"] = (long)c["iat"]! - 3600),
    ];

    /// <summary>How many ways of being wrong there are.</summary>
    public static int Kinds => Claims.Length + 1;

    /// <summary>What is wrong with it, and the token.</summary>
    public static (string Wrong, string Token) Make(StubProvider idp, int kind, SessionTrace victim, string jti)
    {
        if (kind < Claims.Length)
        {
            return (Claims[kind].Wrong, idp.LogoutToken(victim.Sub, victim.Sid, c =>
            {
                c["jti"] = jti;
                Claims[kind].Change(c);
            }));
        }

        var token = idp.LogoutToken(victim.Sub, victim.Sid, c => c["jti"] = jti);
        var signature = token.LastIndexOf('.') + 1;
        return ("signature", token[..signature] + (token[signature] == 'A' ? 'B' : 'A') + token[(signature + 1)..]);
    }
}
