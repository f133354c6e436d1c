using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Sessions;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Harness;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Guarantee;

/// <summary>
/// The event and the feed row that tells the gateways are written together or not at all: a process that dies between two
/// transactions would leave a revocation on record that nobody ever hears of.
/// </summary>
public sealed class OneTransactionTests(OneTransactionTests.Fixture fixture) : IClassFixture<OneTransactionTests.Fixture>
{
    [StoreFact]
    public async Task A_revocation_whose_feed_row_cannot_be_written_is_not_on_record_either()
    {
        var revocations = fixture.World.Gateways[0].Services.GetRequiredService<Revocations>();
        var cause = new RevocationCause(EndReason.EndedByOperator, "operator", "broken feed", "tester", "test");
        await BreakFeedAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => revocations.RevokeSubjectAsync(new Subject("https://idp.test", "alice"), cause, default));
        await Assert.ThrowsAnyAsync<Exception>(() => revocations.RevokeEverybodyAsync(cause, default));
        await MendFeedAsync();

        Assert.Equal("0", (await fixture.Store.QueryAsync("select count(*) from eventauth_events.mt_events where data->>'cause' = 'broken feed'"))[0][0]);
    }

    [StoreFact]
    public async Task A_session_whose_end_cannot_be_announced_has_not_ended()
    {
        var session = (await IssuedSession.ManyAsync(fixture.Store, "https://idp.test", "bob", 1))[0];
        var sessions = fixture.World.Gateways[0].Services.GetRequiredService<SessionService>();
        var end = new SessionCommand.End(EndReason.EndedByUser, TimeProvider.System.GetUtcNow(), null, null);
        await BreakFeedAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => sessions.ExecuteAsync(session.Id, end, new WriteContext(), default));
        await MendFeedAsync();

        Assert.Equal("1", (await fixture.Store.QueryAsync(
            $"select count(*) from eventauth_events.mt_events where stream_id = 'session-{session.Id}'"))[0][0]);
    }

    private Task BreakFeedAsync() =>
        fixture.Store.ExecuteAsync("alter table eventauth.revocation add constraint broken check (position < 0) not valid");

    private Task MendFeedAsync() => fixture.Store.ExecuteAsync("alter table eventauth.revocation drop constraint broken");

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store);
    }
}
