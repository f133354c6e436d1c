using System.Net;
using System.Text.Json;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Revalidator;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using EventAuth.StubIdp;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>The whole service, as it runs.</summary>
public sealed class RevalidatorServiceTests(LiveStore store) : IClassFixture<LiveStore>
{
    [StoreFact]
    public async Task Someone_who_is_disabled_is_out_without_any_request_of_theirs()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var stays = await world.SignInAsync("service-stays");
        var goes = await world.SignInAsync("service-goes");
        world.Idp.Withdraw("service-goes");
        await using var app = await StartAsync(world.Idp);

        await Until.TrueAsync("the session has ended", async () => await store.SessionAsync(goes) is Session.Ended);
        await Until.TrueAsync("the other is verified", async () => (await world.RowAsync(stays)).TokenVersion == 2);
        Assert.Equal(EndReason.RefusedByProvider, ((Session.Ended)await store.SessionAsync(goes)).Reason);
        Assert.False(await store.IsOverAsync(stays));
        await app.StopAsync();
    }

    [StoreFact]
    public async Task Nothing_answers_in_public_and_the_status_tells_how_it_stands()
    {
        await using var idp = await StubProvider.StartAsync();
        await using var app = await StartAsync(idp);
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(new Uri(app.Urls.First()), "/status"));
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);

        using var status = JsonDocument.Parse(await http.GetStringAsync(new Uri(new Uri(app.Urls.Last()), "/status")));
        var revalidation = status.RootElement.GetProperty("revalidation");
        Assert.True(revalidation.GetProperty("enabled").GetBoolean());
        Assert.False(revalidation.GetProperty("paused").GetBoolean());
        await app.StopAsync();
    }

    [StoreFact]
    public async Task An_interval_of_zero_asks_nobody()
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        await world.SignInAsync("service-off");
        await using var app = await StartAsync(world.Idp, ("revalidation.interval", "0s"));
        var loop = app.Services.GetServices<IHostedService>().OfType<RevalidationLoop>().Single();
        await loop.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Empty(world.Idp.Log.All);
        await app.StopAsync();
    }

    private async Task<WebApplication> StartAsync(StubProvider idp, params (string, string)[] settings)
    {
        var app = RevalidatorService.Build(RevalidationWorld.SettingsFor(idp, store.Settings, settings), TimeProvider.System);
        await app.StartAsync();
        return app;
    }
}
