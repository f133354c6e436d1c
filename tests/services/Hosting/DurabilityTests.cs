using System.Text.Json;
using EventAuth.Services.Tests.Harness;
using Npgsql;

namespace EventAuth.Services.Tests.Hosting;

/// <summary>An acknowledged revocation is as durable as the store's settings, and operators see what those are.</summary>
public sealed class DurabilityTests
{
    private static readonly HttpClient Http = new();

    [StoreFact]
    public async Task A_store_that_can_lose_what_it_acknowledged_is_shown_by_every_service()
    {
        await using var store = await TestStore.CreateAsync("durability");
        await store.ExecuteAsync($"alter database {new NpgsqlConnectionStringBuilder(store.ConnectionString).Database} set synchronous_commit = off");
        await using var world = await World.StartAsync(store, revalidator: true);

        foreach (var service in new[] { world.Gateways[0], world.Logout, world.Revalidator! })
        {
            JsonElement shown = default;
            await Until.TrueAsync($"{service.Name} has looked", async () =>
            {
                using var status = JsonDocument.Parse(await Http.GetStringAsync(new Uri(service.Operations, "/status")));
                shown = status.RootElement.GetProperty("durability").Clone();
                return shown.ValueKind == JsonValueKind.Object;
            });

            Assert.Equal("off", shown.GetProperty("synchronousCommit").GetString());
            Assert.Equal((await store.QueryAsync("show fsync"))[0][0], shown.GetProperty("fsync").GetString());
            Assert.False(shown.GetProperty("holds").GetBoolean());
            Assert.Contains("eventauth_store_durable 0\n", await Http.GetStringAsync(new Uri(service.Operations, "/metrics")), StringComparison.Ordinal);
        }
    }
}
