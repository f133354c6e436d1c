using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Secrets;

namespace EventAuth.Logout.Backchannel;

/// <summary>
/// Takes refresh tokens back at the IdP where its logout token asks for that. They are read before the revocation is stored,
/// because they go with the sessions, and used after it, in the background: the sessions are dead whatever comes of it.
/// </summary>
public sealed class OfflineAccess(
    TokenStore store, TokenVault vault, ProviderDirectory providers, TokenRevocations revocations, ILogger<OfflineAccess> log)
{
    // More sessions of one person leave their tokens to expire.
    private const int MaxSessions = 500;

    /// <param name="key">Of the subject, or of the IdP's session.</param>
    public async Task<IReadOnlyList<SessionTokens>> ReadAsync(Guid key, CancellationToken ct)
    {
        var found = new List<SessionTokens>();
        foreach (var (id, secret) in await store.OfAsync(key, MaxSessions, ct))
        {
            try
            {
                found.Add(SessionTokens.Open(vault, secret, id));
            }
            catch (SealBrokenException e)
            {
                log.TokensUnreadable(id, e.Message);
            }
        }

        return found;
    }

    public void Revoke(string issuer, IReadOnlyList<SessionTokens> tokens)
    {
        if (providers.Find(issuer) is { } provider)
        {
            foreach (var session in tokens.Where(t => t.RefreshToken is not null))
            {
                revocations.Enqueue(provider, session);
            }
        }
    }
}
