using System.Diagnostics;
using System.Net;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using Npgsql;

namespace EventAuth.Services.Tests.Faults;

/// <summary>Somebody holds a transaction open: one that reads and writes beside us, or one that holds the feed's lock itself.</summary>
public sealed class OpenTransactionTests(OpenTransactionTests.Setup setup) : IClassFixture<OpenTransactionTests.Setup>
{
    public sealed class Setup : WorldFixture
    {
        internal override Task<World> StartAsync(TestStore store) => World.StartAsync(store, gateways: 2);
    }

    private Uri Webhook => new(setup.World.Logout.Public, "/backchannel-logout");

    // F09: a revocation has its number and is committed late. What comes meanwhile waits shortly and is told to come again.
    [StoreTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_revocation_that_commits_late_reaches_every_gateway_and_nobody_overtakes_it(bool commits)
    {
        var (late, other) = ($"late-{commits}", $"other-{commits}");
        var (lateBrowser, otherBrowser) = (await SignedInAsync(late), await SignedInAsync(other));
        var token = setup.World.Idp.LogoutToken(other, null);
        await using var connection = await OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await ExecuteAsync(connection, $"""
            insert into eventauth.revocation (position, kind, key, stream_id, event_id, committed_at)
            values (eventauth.draw_position(), 1, '{new Subject(setup.World.Idp.Issuer, late).Key.Value}', 'late', gen_random_uuid(), now())
            """);

        Assert.Equal(503, await setup.World.Idp.PostLogoutTokenAsync(Webhook, token, default));
        Assert.Equal(HttpStatusCode.OK, (await otherBrowser.CallAsync()).StatusCode);
        await (commits ? transaction.CommitAsync() : transaction.RollbackAsync());
        Assert.Equal(200, await setup.World.Idp.PostLogoutTokenAsync(Webhook, token, default));

        await RefusedEverywhereAsync(otherBrowser, TimeSpan.FromSeconds(5));
        Assert.Equal(commits ? HttpStatusCode.Unauthorized : HttpStatusCode.OK, (await lateBrowser.CallAsync()).StatusCode);
        Assert.Equal(commits ? HttpStatusCode.Unauthorized : HttpStatusCode.OK, (await lateBrowser.CallAsync(gateway: 1)).StatusCode);
        Assert.Equal("1", await CountAsync(other));
    }

    // F11: a psql that was left open in the middle of an append, with a snapshot from before. Marten's own readers would wait for it.
    [StoreFact]
    public async Task A_transaction_left_open_after_an_append_holds_up_no_revocation_and_no_login()
    {
        var browser = await SignedInAsync("beside");
        await using var connection = await OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        await ExecuteAsync(connection, """
            select count(*) from eventauth.revocation;
            insert into eventauth_events.mt_streams (id, type, version) values ('left-open', 'session', 1);
            insert into eventauth_events.mt_events (seq_id, id, stream_id, version, data, type)
            values (nextval('eventauth_events.mt_events_sequence'), gen_random_uuid(), 'left-open', 1, '{}', 'session_issued')
            """);

        Assert.Equal(200, await setup.World.Idp.SendLogoutTokenAsync(Webhook, "beside", null, default));
        await RefusedEverywhereAsync(browser, TimeSpan.FromSeconds(5));
        await SignedInAsync("beside-too");
        await transaction.RollbackAsync();
    }

    private async Task<Browser> SignedInAsync(string sub)
    {
        var browser = await setup.World.SignInAsync(new StubIdp.StubUser(sub));
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);
        return browser;
    }

    private static async Task RefusedEverywhereAsync(Browser browser, TimeSpan bound)
    {
        var since = Stopwatch.GetTimestamp();
        for (var gateway = 0; gateway < 2; gateway++)
        {
            var number = gateway;
            await Until.TrueAsync("every gateway refuses", async () =>
                (await browser.CallAsync(gateway: number)).StatusCode == HttpStatusCode.Unauthorized, bound - Stopwatch.GetElapsedTime(since));
        }
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(setup.Store.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    private async Task<string> CountAsync(string sub) => (await setup.Store.QueryAsync(
        $"select count(*) from eventauth_events.mt_events where type = 'subject_revoked' and data->>'sub' = '{sub}'"))[0][0];

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
