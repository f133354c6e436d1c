using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Guarantee;

/// <summary>A replica that has not read every revocation up to its start knows nothing, though the store would answer.</summary>
public sealed class NotLoadedTests
{
    [StoreFact]
    public async Task Before_the_feed_was_read_whatever_needs_a_session_gets_503_and_public_places_stay_open()
    {
        await using var store = await TestStore.CreateAsync("notloaded");
        var session = (await IssuedSession.ManyAsync(store, "https://idp.test", "early", 1))[0];
        await using var gateway = new IdleGateway(TimeProvider.System, store.ConnectionString);

        foreach (var cookie in new[] { session.Cookie, null })
        {
            var answer = await gateway.AskAsync(cookie);
            Assert.Equal((503, "2"), (answer.StatusCode, answer.Headers.RetryAfter.ToString()));
            Assert.Equal(200, (await gateway.AskAsync(cookie, "/public/x")).StatusCode);
        }

        gateway.View.Completed(TimeProvider.System.GetTimestamp(), 1);
        Assert.Equal(200, (await gateway.AskAsync(session.Cookie)).StatusCode);
        Assert.Equal(401, (await gateway.AskAsync(null)).StatusCode);
    }

    // The store turned out to be another one: until its feed was read from the start, it may lack what we know to be revoked.
    [StoreFact]
    public async Task The_same_holds_after_the_feed_went_back_until_it_was_read_anew()
    {
        await using var store = await TestStore.CreateAsync("notloaded");
        var session = (await IssuedSession.ManyAsync(store, "https://idp.test", "restored", 1))[0];
        await using var gateway = new IdleGateway(TimeProvider.System, store.ConnectionString);
        gateway.View.Completed(TimeProvider.System.GetTimestamp(), 1);
        Assert.Equal(200, (await gateway.AskAsync(session.Cookie)).StatusCode);

        gateway.View.Reset();
        Assert.Equal(503, (await gateway.AskAsync(session.Cookie)).StatusCode);
        gateway.View.Completed(TimeProvider.System.GetTimestamp(), 1);
        Assert.Equal(200, (await gateway.AskAsync(session.Cookie)).StatusCode);
    }
}
