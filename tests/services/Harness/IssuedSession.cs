using System.Buffers.Text;
using System.Security.Cryptography;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;

namespace EventAuth.Services.Tests.Harness;

/// <summary>A session written into the store without a browser, where a test needs many, and how a proxy asks about it.</summary>
internal sealed record IssuedSession(SessionId Id, Subject Subject, string Sid, string Cookie)
{
    private static readonly HttpClient Http =
        new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = TimeSpan.FromSeconds(10) };

    /// <summary>One session each for so many people (<c>NAME-0</c>, <c>NAME-1</c>…), begun now.</summary>
    public static async Task<IReadOnlyList<IssuedSession>> ManyAsync(TestStore store, string issuer, string name, int count)
    {
        await using var database = new Database(new PostgresSettings(store.ConnectionString, "eventauth_events", "eventauth"));
        await new Schema(database).ApplyAsync(default);
        var sessions = new SessionService(new EventStore(database));
        await using var head = database.Command("select coalesce(max(position), 0) from {own}.revocation");
        var position = (long)(await head.ExecuteScalarAsync())!;
        var all = new IssuedSession[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, ct) =>
        {
            var secret = RandomNumberGenerator.GetBytes(SessionId.SecretLength);
            var session = new IssuedSession(
                SessionId.OfSecret(secret), new Subject(issuer, $"{name}-{i}"), $"sid-{name}-{i}", Base64Url.EncodeToString(secret));
            var now = TimeProvider.System.GetUtcNow();
            await sessions.ExecuteAsync(session.Id, new SessionCommand.Issue(session.Subject, session.Sid, "eventauth", [], [], position,
                now, TimeSpan.FromHours(24), now + TimeSpan.FromHours(1), Refreshable: false), new WriteContext(), ct);
            all[i] = session;
        });
        return all;
    }

    /// <summary>The status of the answer; 0 when there was none.</summary>
    public async Task<int> AskAsync(Uri gateway, CancellationToken ct = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway, "/verify"));
        request.Headers.Add("X-Forwarded-Method", "GET");
        request.Headers.Add("X-Forwarded-Proto", "http");
        request.Headers.Add("X-Forwarded-Host", World.Host);
        request.Headers.Add("X-Forwarded-Uri", "/");
        request.Headers.Add("Accept", "application/json");
        request.Headers.Add("Cookie", $"eventauth={Cookie}");
        try
        {
            using var answer = await Http.SendAsync(request, ct);
            return (int)answer.StatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            return 0;
        }
    }
}
