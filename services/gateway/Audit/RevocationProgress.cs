using System.Globalization;
using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Audit;

/// <summary>
/// <c>GET /revocations/{position}</c>: which replicas have applied a revocation, and <c>boundFromCommit</c>, the instant after
/// which none lets it in whatever happened: <c>revocation.bound</c> counted from the row's <c>committedAt</c>. Both are read
/// from the store's own clock, a little before the commit itself. With <c>?wait=all</c> the answer comes when all that
/// reported lately have applied it, or when that instant has passed.
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
            if (!wait || late || progress.CommittedAt is null || Applied(progress.Replicas, position) == "all")
            {
                return progress;
            }

            await Task.Delay(Look, clock, ct);
        }
    }

    /// <summary>How many have applied it; of no replicas at all, none has.</summary>
    internal static string Applied(IReadOnlyList<ReplicaRow> replicas, long position) => replicas.Count(r => r.Applied >= position) switch
    {
        0 => "none",
        var applied when applied == replicas.Count => "all",
        _ => "some",
    };

    private object Describe(long position, DateTimeOffset committedAt, FeedProgress progress) => new
    {
        position,
        committedAt,
        boundFromCommit = committedAt + settings.Revocation.Bound,
        applied = Applied(progress.Replicas, position),
        replicas = progress.Replicas.Select(r => new { instance = r.Instance, applied = r.Applied >= position, position = r.Applied, seenAt = r.SeenAt }),
    };
}
