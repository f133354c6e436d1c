using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Domain.Bearer;
using EventAuth.Gateway.Cache;

namespace EventAuth.Gateway.Bearer;

/// <summary>
/// Token → who it speaks for: memory first, then signature, rules and, where configured, the issuer's own word. One check per
/// token at a time, shared by all who wait for it and ended by none of them leaving.
///   1. The hash of the token is looked up before anything of it is parsed.
///   2. What was found good is checked again after five minutes, so that a key withdrawn at the issuer does not go on until
///      each token's end.
///   3. What was found bad is remembered only where finding out costs a call to the issuer.
/// </summary>
internal sealed class TokenReader(
    AccessTokenChecks checks, ClientFailures failures, EventAuthSettings settings, TimeProvider clock, ILogger<TokenReader> log)
{
    private const int Capacity = 200_000;
    private const int RefusedCapacity = 10_000;
    private static readonly TimeSpan CheckedFor = TimeSpan.FromMinutes(5);

    // Short: an issuer's replicas may not all know yet what one of them has just issued.
    private static readonly TimeSpan RefusedFor = TimeSpan.FromSeconds(10);

    // Keys and introspection have longer limits of their own; nobody waits that long for an answer.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    private readonly TokenCache _good = new(Capacity);
    private readonly TokenCache _bad = new(RefusedCapacity);
    private readonly ConcurrentDictionary<TokenHash, Lazy<Task<TokenLookup>>> _checks = new();

    /// <summary>Whether tokens are looked at at all.</summary>
    public bool Enabled => settings.Bearer.Issuers.Count > 0;

    /// <summary>Tokens in this replica's memory.</summary>
    public int Count => _good.Count;

    /// <summary>From memory, without waiting. False: use <see cref="CheckAsync"/>.</summary>
    public bool TryRecall(ReadOnlyMemory<char> token, [NotNullWhen(true)] out TokenLookup? lookup)
    {
        if (token.Length is 0 or > StrictJws.MaxLength)
        {
            lookup = new TokenLookup.Refused("size", "the token is missing or too long");
            return true;
        }

        return _good.TryGet(TokenHash.Of(token.Span), out lookup)
            && lookup is TokenLookup.Verified verified && clock.GetUtcNow() < verified.CheckAgainAt;
    }

    /// <summary>Checks it, unless too many from that address were bad.</summary>
    /// <param name="client">Who asks; null when the proxy does not tell.</param>
    public async Task<TokenLookup> CheckAsync(ReadOnlyMemory<char> token, IPAddress? client)
    {
        if (failures.PenaltyOf(client) is { } penalty)
        {
            return new TokenLookup.Penalised(penalty);
        }

        var hash = TokenHash.Of(token.Span);
        var lookup = _bad.TryGet(hash, out var known) && known is TokenLookup.Refused { Until: var until } && clock.GetUtcNow() < until
            ? known
            : await CheckOnceAsync(hash, token.ToString());

        if (lookup is TokenLookup.Refused refused)
        {
            failures.Add(client);
            log.TokenRefused(refused.Rule);
        }

        return lookup;
    }

    private async Task<TokenLookup> CheckOnceAsync(TokenHash hash, string token)
    {
        var check = _checks.GetOrAdd(hash, key => new Lazy<Task<TokenLookup>>(() => LookAsync(key, token)));
        try
        {
            return await check.Value;
        }
        finally
        {
            _checks.TryRemove(new KeyValuePair<TokenHash, Lazy<Task<TokenLookup>>>(hash, check));
        }
    }

    // No caller's token: see above.
    private async Task<TokenLookup> LookAsync(TokenHash hash, string token)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var limit = new CancellationTokenSource(LongestWait, clock);
        try
        {
            switch (await checks.CheckAsync(token, limit.Token))
            {
                case AccessTokenCheck.Accepted accepted:
                    var verified = Keep(accepted.Issuer, accepted.Claims);
                    _good.Put(hash, verified);
                    return verified;
                case AccessTokenCheck.Refused refused:
                    return Remember(hash, refused);
                case AccessTokenCheck.Unavailable away:
                    log.TokenUnchecked(away.Error);
                    return new TokenLookup.Unavailable(away.Error, away.RetryAfter);
                default:
                    return new TokenLookup.Unavailable("unknown", null);
            }
        }
        catch (OperationCanceledException)
        {
            log.TokenUnchecked("timeout");
            return new TokenLookup.Unavailable("timeout", null);
        }
    }

    private TokenLookup.Verified Keep(string issuer, AccessTokenClaims claims)
    {
        var subject = new Subject(issuer, claims.Sub);
        var identity = new Identity
        {
            SubjectKey = subject.Key,
            Issuer = issuer,
            Sub = claims.Sub,
            Email = string.IsNullOrEmpty(claims.Person.Email) ? null : claims.Person.Email,
            Name = claims.Person.Name,
            Groups = claims.Person.Groups ?? [],
            Roles = claims.Person.Roles ?? [],
        };
        var keys = new TokenKeys(
            claims.Jti is null ? Guid.Empty : AccessTokenKey.Of(issuer, claims.Jti).Value, subject.Key.Value,
            claims.Sid is null ? Guid.Empty : ProviderSessionKey.Of(issuer, claims.Sid).Value, claims.IssuedAt);
        var again = clock.GetUtcNow() + CheckedFor;
        return new TokenLookup.Verified(
            new CachedIdentity(Guid.Empty, identity), keys, claims.Scopes, claims.Until, claims.Until < again ? claims.Until : again);
    }

    // Invariant 3.
    private TokenLookup.Refused Remember(TokenHash hash, AccessTokenCheck.Refused refused)
    {
        var lookup = new TokenLookup.Refused(refused.Rule, refused.Description) { Until = clock.GetUtcNow() + RefusedFor };
        if (refused.Rule == "inactive")
        {
            _bad.Put(hash, lookup);
        }

        return lookup;
    }
}
