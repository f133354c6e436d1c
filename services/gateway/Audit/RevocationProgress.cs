using System.Globalization;
using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Audit;

/// <summary>
/// <c>GET /revocations/{position}</c>: which replicas have applied a revocation, and the instant after which none lets it in
/// whatever happened. With <c>?wait=all</c> the answer comes when all have, or when that instant has passed.
/// </summary>
internal sealed class RevocationProgress(
    Visitors visitors, Replicas replicas, OwnRules rules, EventAuthSettings settings, TimeProvider clock)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    public static Task GetAsync(HttpContext http, RevocationProgress progress, string position, CancellationToken ct) =>
        progress.AnswerAsync(http, position, ct);

    private async Task AnswerAsync(HttpContext http, string text, CancellationToken ct)
    {
        if (await visitors.FindAsync(http, ct) is not { } visitor)
        {
            await ApiReply.UnauthenticatedAsync(http);
            return;
        }

        if (!rules.Admit(visitor, HttpMethods.Get, "/revocations/") && !rules.Admit(visitor, HttpMethods.Get, "/api/audit/events"))
        {
            await ApiReply.NotAllowedAsync(http);
            return;
        }

        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position) || position == 0)
        {
            await Problems.WriteAsync(http, StatusCodes.Status400BadRequest, "bad-position", "A position is a positive whole number.");
            return;
        }

        var progress = await LookAsync(position, http.Request.Query["wait"] == "all", ct);
        if (progress.CommittedAt is not { } committedAt)
        {
            await Problems.WriteAsync(http, StatusCodes.Status404NotFound, "unknown", "Nothing was revoked at this position.");
            return;
        }

        await ApiReply.WriteAsync(http, Describe(position, committedAt, progress), ct);
    }

    private async Task<FeedProgress> LookAsync(long position, bool wait, CancellationToken ct)
    {
        while (true)
        {
            var progress = await replicas.ProgressAsync(position, ct);
            var late = progress.CommittedAt is { } at && progress.StoreTime > at + settings.Revocation.Bound;
            if (!wait || late || progress.CommittedAt is null || progress.Replicas.All(r => r.Applied >= position))
            {
                return progress;
            }

            await Task.Delay(Look, clock, ct);
        }
    }

    private object Describe(long position, DateTimeOffset committedAt, FeedProgress progress) => new
    {
        position,
        committedAt,
        allAfter = committedAt + settings.Revocation.Bound,
        applied = progress.Replicas.All(r => r.Applied >= position) ? "all" : "some",
        replicas = progress.Replicas.Select(r => new { instance = r.Instance, applied = r.Applied >= position, position = r.Applied, seenAt = r.SeenAt }),
    };
}
