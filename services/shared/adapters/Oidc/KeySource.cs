using System.Diagnostics;
using System.Security;

namespace EventAuth.Adapters.Oidc;

/// <summary>
/// Where the keys of one issuer come from: its discovery document, an address, or a file. How copies age is the same for all
/// (<see cref="KeptDocument{T}"/>): looked at again after five minutes, the last good one stays, and a token with an unknown
/// key makes us look once, at most every 30 seconds.
/// </summary>
public sealed class KeySource
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly Func<CancellationToken, Task<ProviderKeys>> _keys;
    private readonly Func<ProviderKeys, CancellationToken, Task<ProviderKeys>> _newer;

    private KeySource(Func<CancellationToken, Task<ProviderKeys>> keys, Func<ProviderKeys, CancellationToken, Task<ProviderKeys>> newer) =>
        (_keys, _newer) = (keys, newer);

    /// <summary>The keys that an issuer's discovery document points to.</summary>
    public static KeySource Of(ProviderMetadata metadata) => new(metadata.KeysAsync, metadata.KeysNewerThanAsync);

    /// <summary>A JWK set at an address (RFC 7517, 5).</summary>
    public static KeySource OfUrl(Uri address, HttpClient http, TimeProvider clock) => Kept(async () =>
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Accept.ParseAdd("application/json");
        return await ProviderHttp.SendAsync(http, request, Timeout, clock, CancellationToken.None) switch
        {
            HttpReply.Answer { Status: 200 } answer => Parsed(ProviderKeys.Parse(answer.Body)),
            HttpReply.Answer answer => throw new ProviderUnavailableException($"http_{answer.Status}", answer.RetryAfter),
            HttpReply.Failed failed => throw new ProviderUnavailableException(failed.Error),
            _ => throw new UnreachableException(),
        };
    }, clock);

    /// <summary>A JWK set, or public keys in PEM, in a file: whoever replaces the file needs no restart.</summary>
    public static KeySource OfFile(string path, bool isPem, TimeProvider clock) => Kept(async () =>
    {
        try
        {
            return Parsed(isPem ? PemKeys.Parse(await File.ReadAllTextAsync(path)) : ProviderKeys.Parse(await File.ReadAllBytesAsync(path)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SecurityException)
        {
            throw new ProviderUnavailableException("keys_unreadable");
        }
    }, clock);

    /// <summary>Verifies a signature; a key that is not known makes us look for newer keys once.</summary>
    /// <exception cref="ProviderUnavailableException">No keys are to be had: the token may be good all the same.</exception>
    public async Task<JwsResult> VerifyAsync(JwsParse parse, CancellationToken ct)
    {
        if (parse is JwsParse.Refused refused)
        {
            return new JwsResult.Refused(refused.Rule, refused.Description);
        }

        var jws = ((JwsParse.Parsed)parse).Jws;
        var keys = await _keys(ct);
        var result = StrictJws.Verify(jws, keys);
        if (result is JwsResult.UnknownKey)
        {
            result = StrictJws.Verify(jws, await _newer(keys, ct));
        }

        return result is JwsResult.UnknownKey ? new JwsResult.Refused("key-unknown", "no key of the issuer made the signature") : result;
    }

    private static KeySource Kept(Func<Task<ProviderKeys>> fetch, TimeProvider clock)
    {
        var document = new KeptDocument<ProviderKeys>(fetch, FreshFor, Pause, clock);
        return new KeySource(document.GetAsync, document.GetNewerThanAsync);
    }

    private static ProviderKeys Parsed(ProviderKeys? keys) => keys ?? throw new ProviderUnavailableException("keys_unreadable");
}
