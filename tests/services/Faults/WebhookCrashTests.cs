using System.Net;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using Xunit.Abstractions;

namespace EventAuth.Services.Tests.Faults;

/// <summary>
/// F30: kill -9 of the logout service at each step from the arrival of a logout token to the mark in the outbox. Duplicates on
/// the bus are allowed, a loss is not.
/// </summary>
public sealed class WebhookCrashTests(WebhookCrashTests.Setup setup, ITestOutputHelper output)
    : IClassFixture<WebhookCrashTests.Setup>, IAsyncLifetime
{
    private BusTap? _bus;

    public async Task InitializeAsync() => _bus = TestBroker.IsConfigured ? await BusTap.OpenAsync() : null;

    public async Task DisposeAsync() => await (_bus?.DisposeAsync() ?? default);

    // The gateway has no broker here: only the service that dies publishes.
    public sealed class Setup : ProcessWorldFixture
    {
        internal override bool CanStart => TestBroker.IsConfigured;

        internal override Task<ProcessWorld> StartAsync() => ProcessWorld.StartAsync(
            "webhookcrash", gateways: 1, logout: new Dictionary<string, string> { ["rabbitmq.url"] = TestBroker.Url });
    }

    [WithBrokerTheory]
    [InlineData(Failpoints.WebhookReceived)]
    [InlineData(Failpoints.WebhookValidated)]
    [InlineData(Failpoints.WebhookBeforeAppend)]
    public async Task Who_dies_before_the_commit_has_stored_nothing_and_promised_nothing(string place)
    {
        for (var round = 0; round < LongRun.Times(1, 20); round++)
        {
            var crash = await CrashAsync(place, round);

            Assert.Equal((0, 0), (crash.Acknowledged, await StoredAsync(crash.Jti)));
            Assert.Equal(HttpStatusCode.OK, (await crash.Browser.CallAsync()).StatusCode);
            await RecoverAsync(place, crash);
        }
    }

    [WithBrokerTheory]
    [InlineData(Failpoints.WebhookAfterAppend)]
    [InlineData(Failpoints.WebhookAfterAnswer)]
    [InlineData(Failpoints.RelayBeforePublish)]
    [InlineData(Failpoints.RelayBeforeConfirm)]
    [InlineData(Failpoints.RelayBeforeMark)]
    public async Task Who_dies_after_the_commit_has_stored_one_event_which_every_gateway_obeys_at_once(string place)
    {
        for (var round = 0; round < LongRun.Times(1, 20); round++)
        {
            var crash = await CrashAsync(place, round);

            await RefusedAsync(crash.Browser);
            Assert.Equal(1, await StoredAsync(crash.Jti));
            // "Answered" is when the answer was handed over; whether it still got out of the process is a matter of microseconds.
            Assert.NotEqual((Failpoints.WebhookAfterAppend, 200), (place, crash.Status));
            await RecoverAsync(place, crash);
        }
    }

    private async Task<Crash> CrashAsync(string place, int round)
    {
        var sub = $"{place}-{round}";
        var browser = await setup.World.SignInAsync(sub);
        await ProcessWorld.RestartAsync(setup.World.Logout, $"{place}:exit");
        var jti = "";
        var token = setup.World.Idp.LogoutToken(sub, null, claims => jti = claims["jti"]!.ToString());
        var status = await setup.World.SendAsync(token);
        await ProcessWorld.DiedAsync(setup.World.Logout);
        return new Crash(browser, new Subject(setup.World.Idp.Issuer, sub).Key.Value, token, jti, status);
    }

    // The IdP sends again what got no answer, and some do when it did.
    private async Task RecoverAsync(string place, Crash crash)
    {
        await ProcessWorld.RestartAsync(setup.World.Logout);
        Assert.Equal(200, await setup.World.SendAsync(crash.Token));

        await RefusedAsync(crash.Browser);
        if (!LongRun.Wanted)
        {
            // What the dead one had claimed is taken over when the claim has run out; that it does is shorter told than waited for.
            await setup.World.Store.ExecuteAsync("update eventauth.revocation set claimed_until = now() where published_at is null");
        }

        await Until.TrueAsync("the restarted service has marked it as published", async () => await MarkedAsync(crash.Jti) == 1);
        await Until.TrueAsync("it was on the bus", () => _bus!.Heard(crash.Key) > 0);
        var stored = await StoredAsync(crash.Jti);
        output.WriteLine($"{place,-40} answered {crash.Status,3}  acknowledged {crash.Acknowledged}  stored {stored}  published {_bus!.Heard(crash.Key)}");
        Assert.Equal(1, stored);
    }

    private static Task RefusedAsync(Browser browser) => Until.TrueAsync("the gateway refuses",
        async () => (await browser.CallAsync()).StatusCode == HttpStatusCode.Unauthorized, TimeSpan.FromSeconds(5));

    private Task<int> StoredAsync(string jti) =>
        CountAsync($"select count(*) from eventauth_events.mt_events where type = 'subject_revoked' and data->>'cause' = '{jti}'");

    private Task<int> MarkedAsync(string jti) => CountAsync($"""
        select count(*) from eventauth.revocation r join eventauth_events.mt_events e on e.id = r.event_id
        where e.data->>'cause' = '{jti}' and r.published_at is not null
        """);

    private async Task<int> CountAsync(string sql) =>
        int.Parse((await setup.World.Store.QueryAsync(sql))[0][0], System.Globalization.CultureInfo.InvariantCulture);

    private sealed record Crash(Browser Browser, Guid Key, string Token, string Jti, int Status)
    {
        public int Acknowledged => Status == 200 ? 1 : 0;
    }
}
