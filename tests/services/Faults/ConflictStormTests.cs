using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;

namespace EventAuth.Services.Tests.Faults;

/// <summary>F19: fifty writers on one session's stream at the same moment.</summary>
public sealed class ConflictStormTests(LiveStore store) : IClassFixture<LiveStore>
{
    private const int Writers = 50;

    // Refreshes, changed claims and failed checks of several replicas meet the logout; each writer tries a bounded number of times.
    [StoreFact]
    public async Task A_logout_wins_against_fifty_writers_and_nothing_is_written_after_it()
    {
        for (var round = 0; round < LongRun.Times(5, 50); round++)
        {
            var subject = new Subject("https://idp.test", $"storm-{round}");
            var session = await store.IssueAsync(subject, $"sid-storm-{round}");
            var writers = Enumerable.Range(0, Writers).Select(i => WriteAsync(session, i)).ToList();
            var logout = store.Events.RevokeAsync(new RevocationWrite(RevocationKind.Subject, subject.Key.Value, $"subject-{subject.Key}",
                new SubjectRevoked(subject.Issuer, subject.Sub, null, 0, default, EndReason.BackchannelLogout, "test", null, null), null, null), default);
            var end = EndAsync(session);

            await Task.WhenAll([.. writers, logout, end]);

            Assert.True(await store.IsOverAsync(session));
            var events = await store.StreamAsync($"session-{session}");
            Assert.IsType<SessionEnded>(events[^1].Event);
            Assert.Single(events, e => e.Event is SessionEnded);
            Assert.Equal(events.Count, await store.CountAsync("select version from {events}.mt_streams where id = $1", $"session-{session}"));
        }
    }

    private async Task WriteAsync(SessionId session, int writer)
    {
        try
        {
            await store.Sessions.ExecuteAsync(
                session, new SessionCommand.UpdateClaims(TimeProvider.System.GetUtcNow(), [$"group-{writer}"], []), new WriteContext(), default);
        }
        catch (StreamConflictException)
        {
            // Others were faster ten times: bounded, and whoever asked is told.
        }
    }

    // As the service's sweep does it: what a revocation has condemned is written until it is written.
    private async Task EndAsync(SessionId session)
    {
        var ended = false;
        while (!ended)
        {
            try
            {
                await store.Sessions.ExecuteAsync(session, new SessionCommand.End(EndReason.BackchannelLogout, TimeProvider.System.GetUtcNow(), null, null),
                    new WriteContext { Announce = false }, default);
                ended = true;
            }
            catch (StreamConflictException)
            {
                // Again.
            }
        }
    }
}
