using System.Threading.Channels;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Settings;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Refresh;

/// <summary>
/// Asks IdPs to forget the tokens of sessions that ended (RFC 7009). Best effort, in the background: the session is dead
/// whether or not the IdP answers. Bounded in number, calls at once and attempts; what a stopping process still holds is
/// left to expire at the IdP, since our copy of the tokens is deleted with the session.
/// </summary>
public sealed class TokenRevocations(EventAuthSettings settings, TimeProvider clock, ILogger<TokenRevocations> log) : BackgroundService
{
    private const int Capacity = 1000;
    private const int Concurrency = 4;
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)];

    private readonly Channel<Item> _queue = Channel.CreateBounded<Item>(Capacity);

    /// <summary>Takes the tokens over; never waits.</summary>
    public void Enqueue(RegisteredProvider provider, SessionTokens tokens)
    {
        if (!_queue.Writer.TryWrite(new Item(provider, tokens)))
        {
            log.TokensLeftToExpire();
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Parallel.ForEachAsync(
        _queue.Reader.ReadAllAsync(stoppingToken),
        new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = stoppingToken },
        async (item, ct) =>
        {
            // The refresh token first: most IdPs end the whole grant with it.
            if (item.Tokens.RefreshToken is { } refreshToken)
            {
                await RevokeAsync(item.Provider, refreshToken, "refresh_token", ct);
            }

            await RevokeAsync(item.Provider, item.Tokens.AccessToken, "access_token", ct);
        });

    private async Task RevokeAsync(RegisteredProvider provider, string token, string kind, CancellationToken ct)
    {
        if (!await HasRevocationAsync(provider, ct))
        {
            return;
        }

        for (var attempt = 0; ; attempt++)
        {
            if (await provider.Client.RevokeAsync(token, kind, settings.Refresh.Timeout, ct))
            {
                return;
            }

            if (attempt == Pauses.Length)
            {
                log.TokenNotForgotten(provider.Settings.Issuer, kind, attempt + 1);
                return;
            }

            await Task.Delay(Pauses[attempt], clock, ct);
        }
    }

    // An IdP that is away may have an endpoint: the attempts will tell.
    private static async Task<bool> HasRevocationAsync(RegisteredProvider provider, CancellationToken ct)
    {
        try
        {
            return (await provider.Metadata.EndpointsAsync(ct)).Revocation is not null;
        }
        catch (ProviderUnavailableException)
        {
            return true;
        }
    }

    private sealed record Item(RegisteredProvider Provider, SessionTokens Tokens);
}
