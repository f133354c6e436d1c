using System.Collections.Concurrent;
using System.Globalization;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Faults;

/// <summary>An IdP that signs people out without end, and comes again with the same token until it hears 200.</summary>
internal sealed class LogoutLoad(StubProvider idp, Uri webhook)
{
    private readonly ConcurrentBag<string> _acknowledged = [];
    private int _people;

    public int Acknowledged => _acknowledged.Count;

    /// <summary>Until it is told to stop.</summary>
    public Task RunAsync(int workers, CancellationToken done) =>
        Task.WhenAll(Enumerable.Range(0, workers).Select(_ => WorkAsync(done)));

    /// <summary>Whatever was acknowledged is there, and nothing is there twice.</summary>
    public async Task AssertStoredAsync(TestStore store)
    {
        var rows = await store.QueryAsync(
            "select data->>'cause', count(*) from eventauth_events.mt_events where type = 'subject_revoked' group by 1");
        var stored = rows.ToDictionary(r => r[0], r => int.Parse(r[1], CultureInfo.InvariantCulture));
        Assert.All(stored, s => Assert.Equal(1, s.Value));
        Assert.Equal([], _acknowledged.Except(stored.Keys));
    }

    private async Task WorkAsync(CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            var jti = "";
            var token = idp.LogoutToken($"load-{Interlocked.Increment(ref _people)}", null, claims => jti = claims["jti"]!.ToString());
            while (!done.IsCancellationRequested)
            {
                var status = await idp.PostLogoutTokenAsync(webhook, token, CancellationToken.None);
                if (status == 200)
                {
                    _acknowledged.Add(jti);
                    break;
                }

                Assert.Equal(503, status);
                await Task.Delay(20, CancellationToken.None);
            }
        }
    }
}
