using System.Globalization;
using EventAuth.Adapters.Refresh;
using EventAuth.Domain.Refresh;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>How often an IdP that does not answer is asked.</summary>
public sealed class ProviderHealthTests(LiveStore store) : IClassFixture<LiveStore>
{
    private const string Issuer = "https://idp.example";
    private static readonly ProviderAnswer.Unavailable NoAnswer = new("timeout", null);
    private readonly ManualClock _clock = new(DateTimeOffset.UnixEpoch.AddYears(60));

    [StoreFact]
    public async Task An_outage_is_probed_after_5_10_20_and_then_every_30_seconds_with_some_chance_in_it()
    {
        var health = await OfAsync("allow");
        Fail(health, 5);
        foreach (var seconds in (int[])[5, 10, 20, 30, 30])
        {
            var wait = health.Outage(Issuer)!.RetryAfter!.Value;
            Assert.InRange(wait.TotalSeconds, seconds, seconds * 1.1);
            Assert.Equal(_clock.GetUtcNow() + wait, health.All[Issuer].NextProbe);
            _clock.Advance(wait);

            // One is let through; whoever comes meanwhile is not, nor does what comes back late make the pause longer.
            Assert.Null(health.Outage(Issuer));
            Assert.NotNull(health.Outage(Issuer));
            health.Note(Issuer, NoAnswer);
        }

        health.Note(Issuer, new ProviderAnswer.Granted());
        Assert.Null(health.Outage(Issuer));
        Assert.Equal(("answering", 0), (health.All[Issuer].State, health.All[Issuer].Failures));
    }

    [StoreFact]
    public async Task A_pause_that_the_IdP_demands_is_kept_from_its_first_word_on_but_no_longer_than_a_minute()
    {
        var health = await OfAsync("allow");
        health.Note(Issuer, new ProviderAnswer.Unavailable("http_429", TimeSpan.FromSeconds(20)));
        Assert.InRange(health.Outage(Issuer)!.RetryAfter!.Value.TotalSeconds, 20, 22);
        _clock.Advance(TimeSpan.FromSeconds(23));
        Assert.Null(health.Outage(Issuer));
        health.Note(Issuer, new ProviderAnswer.Unavailable("http_503", TimeSpan.FromHours(1)));
        Assert.InRange(health.Outage(Issuer)!.RetryAfter!.Value.TotalSeconds, 60, 66);
    }

    [StoreFact]
    public async Task Where_failures_deny_every_question_is_a_real_one()
    {
        var health = await OfAsync("deny");
        Fail(health, 20);
        Assert.Null(health.Outage(Issuer));
    }

    [StoreTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Retry_After_is_understood_in_seconds_and_as_a_date(bool asDate)
    {
        await using var world = await RevalidationWorld.StartAsync(store);
        var id = await world.SignInAsync($"retry {asDate}");
        var text = asDate ? world.Clock.GetUtcNow().AddSeconds(40).ToString("R", CultureInfo.InvariantCulture) : "40";
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Empty(503) with { Headers = new Dictionary<string, string> { ["Retry-After"] = text } });
        await world.CheckAsync(id);
        Assert.InRange((world.Health.All[world.Idp.Issuer].NextProbe!.Value - world.Clock.GetUtcNow()).TotalSeconds, 40, 44);
    }

    private static void Fail(ProviderHealth health, int times)
    {
        for (var i = 0; i < times; i++)
        {
            health.Note(Issuer, NoAnswer);
        }
    }

    private async Task<ProviderHealth> OfAsync(string onFailure)
    {
        await using var idp = await StubProvider.StartAsync();
        var settings = RevalidationWorld.SettingsFor(idp, store.Settings, [("revalidation.onFailure", onFailure)]);
        return new ProviderHealth(settings, _clock, new SpokenLog().For<ProviderHealth>());
    }
}
