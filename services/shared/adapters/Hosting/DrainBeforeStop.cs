using EventAuth.Adapters.Settings;
using Microsoft.Extensions.Hosting;

namespace EventAuth.Adapters.Hosting;

/// <summary>
/// Told to stop, a service says "not ready" and still answers for a while, so that load balancers look elsewhere before its
/// listener closes. All of it goes on meanwhile: the host stops nothing before every <c>StoppingAsync</c> is done.
/// </summary>
internal sealed class DrainBeforeStop(ServiceState state, EventAuthSettings settings, TimeProvider clock) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        state.Drain();
        await Task.Delay(settings.Listen.Drain, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
