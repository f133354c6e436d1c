using System.Net;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Gateway.Cache;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.DependencyInjection;

namespace EventAuth.Services.Tests.Guarantee;

/// <summary>
/// A session is read for the cache, and before it gets there something is committed that the reading has not seen: whichever
/// of the two comes second has to see the other.
/// </summary>
public sealed class FillTests(FillTests.Fixture fixture) : IClassFixture<FillTests.Fixture>
{
    private readonly World _world = fixture.World;

    [StoreFact]
    public async Task A_revocation_that_was_applied_while_the_session_was_read_is_not_lost()
    {
        var browser = await _world.SignInAsync(new StubUser("alice"));
        var (answer, release) = await AskAndHoldAsync(browser, "/x");
        await _world.Idp.SendLogoutTokenAsync(new Uri(_world.Logout.Public, "/backchannel-logout"), "alice", null, CancellationToken.None);
        await AppliedAsync();

        release();
        Assert.Equal(HttpStatusCode.Unauthorized, (await answer).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.CallAsync("/x", gateway: 1)).StatusCode);
    }

    // An administrator loses the group, and the gateway was just reading who they are.
    [StoreFact]
    public async Task A_change_of_groups_that_was_applied_while_the_session_was_read_is_not_lost()
    {
        var browser = await _world.SignInAsync(new StubUser("root") { Groups = ["admins"] });
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync("/admin")).StatusCode);
        var (answer, release) = await AskAndHoldAsync(browser, "/admin");
        await _world.Logout.Services.GetRequiredService<SessionService>().ExecuteAsync(
            await IdAsync("root"), new SessionCommand.UpdateClaims(TimeProvider.System.GetUtcNow(), [], []), new WriteContext(), default);
        await AppliedAsync();

        release();
        Assert.Equal(HttpStatusCode.Forbidden, (await answer).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.CallAsync("/admin", gateway: 1)).StatusCode);
    }

    // The second gateway knows nothing of the session yet; the first reading is held when it has the row.
    private async Task<(Task<HttpResponseMessage> Answer, Action Release)> AskAndHoldAsync(Browser browser, string uri)
    {
        var (read, release) = (new TaskCompletionSource(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _world.Gateways[1].Services.GetRequiredService<Failpoints>().Set(Failpoints.FillBeforeKeep, () =>
        {
            read.TrySetResult();
            return release.Task;
        });
        var answer = browser.CallAsync(uri, gateway: 1);
        await read.Task.WaitAsync(TimeSpan.FromSeconds(10));
        return (answer, release.SetResult);
    }

    private async Task AppliedAsync()
    {
        var head = long.Parse((await fixture.Store.QueryAsync("select max(position) from eventauth.revocation"))[0][0],
            System.Globalization.CultureInfo.InvariantCulture);
        var view = _world.Gateways[1].Services.GetRequiredService<RevocationView>();
        await Until.TrueAsync("the second gateway has applied it", () => view.Applied >= head);
    }

    private async Task<SessionId> IdAsync(string sub) => new(Guid.Parse(
        (await fixture.Store.QueryAsync($"select id from eventauth.session where sub = '{sub}' and ended_at is null"))[0][0]));

    public sealed class Fixture : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, gateways: 2);
    }
}
