using EventAuth.Adapters.Sessions;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>What a NOTIFY of ours said.</summary>
public enum StoreNews
{
    /// <summary>The connection is new: anything may have happened meanwhile.</summary>
    Reconnected = 0,

    /// <summary>The feed grew.</summary>
    Revocation,

    /// <summary>A session's tokens were stored or its lease was given back; the text is the session's id.</summary>
    Refreshed,
}

/// <summary>
/// Listens to the store on a connection of its own. Only a hint that makes things fast: whoever is called also looks by
/// itself from time to time.
/// </summary>
public sealed class Notifications(Database database)
{
    // Npgsql's keep-alive finds a dead connection; this bounds a silent one that still answers on TCP.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(30);

    /// <summary>Listens until the connection breaks.</summary>
    /// <exception cref="StoreUnavailableException">It broke, or could not be made.</exception>
    public Task ListenAsync(Action<StoreNews, string> news, CancellationToken ct) =>
        PostgresErrors.MapAsync("notifications", async () =>
        {
            await using var connection = await database.FeedSource.OpenConnectionAsync(ct);
            var (revocations, refreshed) = (database.Sql("{own}_revocations"), database.Sql("{own}_refreshed"));
            connection.Notification += (_, e) =>
                news(e.Channel == revocations ? StoreNews.Revocation : StoreNews.Refreshed, e.Payload);
            await using (var listen = new NpgsqlCommand($"listen {revocations}; listen {refreshed}", connection))
            {
                await listen.ExecuteNonQueryAsync(ct);
            }

            news(StoreNews.Reconnected, "");
            while (!ct.IsCancellationRequested)
            {
                await connection.WaitAsync(Quiet, ct);
            }

            return true;
        }, Timeout.InfiniteTimeSpan, ct);
}
