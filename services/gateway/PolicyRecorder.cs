using System.Security.Cryptography;
using System.Text;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;

namespace EventAuth.Gateway;

/// <summary>
/// Records the rules that this replica decides by, when they are not the ones on record: "who had access at that time" cannot
/// be found out afterwards otherwise. E-mail addresses become keyed hashes, because events cannot be erased.
/// </summary>
internal sealed class PolicyRecorder(
    EventAuthSettings settings, PolicyLog policies, TokenVault vault, Schema schema, TimeProvider clock)
    : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.Applied.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RecordAsync(stoppingToken);
                return;
            }
            catch (Exception e) when (e is StoreUnavailableException or StreamConflictException)
            {
                // Away, or another replica records the same rules at this moment: look again.
                await Task.Delay(Pause, clock, stoppingToken);
            }
        }
    }

    private async Task RecordAsync(CancellationToken ct)
    {
        var rules = settings.Policy.DescribeRules(vault.Pseudonym);
        var groups = settings.Policy.DescribeGroups(vault.Pseudonym);
        var text = string.Join('\n', rules.Concat(groups.OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => $"{g.Key}: {string.Join(", ", g.Value)}")));
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
        var last = await policies.LastAsync(ct);
        if (last.Hash != hash)
        {
            await policies.RecordAsync(last, new PolicyLoaded(clock.GetUtcNow(), hash, rules, groups), settings.Instance, ct);
        }
    }
}
