using Microsoft.Extensions.Hosting;

namespace EventAuth.Adapters.Refresh;

/// <summary>
/// A process that is being stopped ends the refreshes that it has begun: an IdP that rotates has used up the old token, and
/// whoever leaves before the new one is stored costs that session.
/// </summary>
public sealed class FinishRefreshes(RefreshSession refresh) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken) =>
        await refresh.FinishAsync().WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
