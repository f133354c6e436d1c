using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Load;

/// <summary>Ends sessions of a world that runs already, at a steady rate, each by its own request to the gateway's API.</summary>
internal sealed class SessionEnder(
    IReadOnlyList<Uri> gateways, Uri publicUrl, Population population, Recorder recorder, History history, Dice dice, double rate, int atLeast) : IDisposable
{
    private const int MaxTries = 10;
    private const long LooksLonger = 8 * Monotonic.Second;
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly List<Task> _underWay = [];

    /// <summary>Until cancelled, then waits for the answers that are still due.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / rate));
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                if (population.TakeOne(dice, atLeast) is { } one)
                {
                    _underWay.Add(EndAsync(one, dice.Pick(gateways)));
                }

                _underWay.RemoveAll(t => t.IsCompletedSuccessfully);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // No new ones.
        }

        await Task.WhenAll(_underWay);
    }

    public void Dispose() => _http.Dispose();

    private async Task EndAsync(Subscriber subscriber, Uri gateway)
    {
        var watches = recorder.Follow(subscriber, long.MaxValue);
        var sent = Monotonic.Now;
        long? acked = null;
        for (var tries = 0; acked is null && tries < MaxTries; tries++)
        {
            if (await PostAsync(subscriber, gateway))
            {
                acked = Monotonic.Now;
            }
            else
            {
                await Task.Delay(Retry);
            }
        }

        foreach (var watch in watches)
        {
            watch.Until = Monotonic.Now + LooksLonger;
        }

        history.Add(new RevocationTrace(subscriber.Trace.Sub, subscriber.Trace.Sid, $"session {subscriber.Trace.Sid}", sent, acked));
    }

    private async Task<bool> PostAsync(Subscriber subscriber, Uri gateway)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway, $"/api/sessions/{subscriber.Trace.Sid}/end"));
            request.Headers.Host = publicUrl.Authority;
            request.Headers.Add("Cookie", subscriber.Cookie);
            using var answer = await _http.SendAsync(request);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }
}
