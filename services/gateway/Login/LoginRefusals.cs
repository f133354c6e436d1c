using System.Security.Cryptography;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Login;

/// <summary>Says no to a sign-in: on a page with a short id, and under the same id in the log and in the record.</summary>
internal sealed class LoginRefusals(IEventStore store, Metrics metrics, TimeProvider clock, LoginLog log)
{
    /// <summary>Refusals a minute that are recorded although no login led to them: anybody can bring them about.</summary>
    public const int UnaskedPerMinute = 30;

    private readonly Lock _lock = new();
    private long _minute;
    private int _recorded;

    /// <param name="reason">For log and record: a rule of ours or an error code, never text that somebody brought.</param>
    /// <param name="issuer">The IdP it is about; empty when there is none.</param>
    /// <param name="login">The login it ends; null: none that we began.</param>
    /// <param name="link">Where to go from here; an address of ours.</param>
    public async Task RefuseAsync(
        HttpContext http, Problem problem, string reason, string issuer, PendingLogin? login, string? link, CancellationToken ct)
    {
        var incident = RandomNumberGenerator.GetHexString(10, lowercase: true);
        log.Refused(reason, incident);
        metrics.LoggedIn(problem.RetryAfter is null ? "refused" : "unavailable");
        if (login is not null || MayRecordUnasked())
        {
            var @event = new LoginRefused(clock.GetUtcNow(), issuer, reason, incident);
            await RecordAsync(@event, login?.CorrelationId ?? $"request:{http.TraceIdentifier}");
        }

        await ErrorPage.WriteAsync(http, problem, incident, link, ct);
    }

    // The browser may have gone: what happened is recorded all the same.
    private async Task RecordAsync(LoginRefused @event, string correlationId)
    {
        try
        {
            await store.RecordAsync($"login-{@event.Incident}", "login", @event, correlationId, CancellationToken.None);
        }
        catch (StoreUnavailableException)
        {
            log.NotRecorded(@event.Incident);
        }
    }

    private bool MayRecordUnasked()
    {
        var minute = clock.GetUtcNow().Ticks / TimeSpan.TicksPerMinute;
        lock (_lock)
        {
            if (minute != _minute)
            {
                (_minute, _recorded) = (minute, 0);
            }

            return _recorded++ < UnaskedPerMinute;
        }
    }
}
