using System.Buffers.Text;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Cache;
using EventAuth.Gateway.ForwardAuth;
using EventAuth.Services.Tests.Harness;
using Microsoft.Extensions.Logging;

namespace EventAuth.Services.Tests.Guarantee;

/// <summary>The lease is looked at once more when the answer is complete: a process may be stopped at any statement before.</summary>
public sealed class LastLookTests
{
    private static readonly byte[] Secret = [.. Enumerable.Range(1, SessionId.SecretLength).Select(i => (byte)i)];
    private readonly ManualClock _clock = new(TimeProvider.System.GetUtcNow());

    // The process is frozen (SIGSTOP, a paused machine, a long garbage collection) when the headers are written already.
    [Theory]
    [InlineData(4, 200)]
    [InlineData(6, 503)]
    public async Task An_answer_that_was_complete_before_the_lease_lapsed_is_taken_back(int secondsAsleep, int expected)
    {
        await using var gateway = new IdleGateway(_clock, IdleGateway.Nowhere);
        Remember(gateway.Cache);
        gateway.View.Completed(_clock.GetTimestamp(), 1);

        var answer = await gateway.AskAsync(Base64Url.EncodeToString(Secret), endpoint: gateway.Endpoint(
            new SleepyLog(_clock, TimeSpan.FromSeconds(secondsAsleep))));

        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal(expected == 200 ? "alice" : "", answer.Headers[IdentityHeaders.User].ToString());
    }

    private void Remember(SessionCache cache)
    {
        var (id, subject) = (SessionId.OfSecret(Secret), new Subject("https://idp.test", "alice"));
        var far = _clock.GetUtcNow().AddDays(1).ToUnixTimeSeconds();
        cache.Put(
            new CachedSession { Id = id.Value, SubjectKey = subject.Key.Value, Version = 1, ExpiresAt = far, AccessExpiresAt = far },
            new CachedIdentity(id.Value, new Identity { SubjectKey = subject.Key, Issuer = subject.Issuer, Sub = subject.Sub }));
    }

    /// <summary>A log whose line about an allowed request takes its time: the last thing before the last look.</summary>
    private sealed class SleepyLog(ManualClock clock, TimeSpan time) : ILogger<ForwardAuthEndpoint>
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Debug;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            clock.Advance(time);
    }
}
