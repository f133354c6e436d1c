using System.Buffers.Text;
using System.Text.Json;
using EventAuth.Contracts;
using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Load;
using Npgsql;

namespace EventAuth.Guarantee.Worlds;

/// <summary>Looks into the store and the replicas when all is over.</summary>
internal sealed class StoreView(World world)
{
    private const string EventsSql = """
        select data->>'cause', count(*)::int from eventauth_events.mt_events
        where type = 'subject_revoked' and data->>'source' = 'backchannel' group by 1
        """;

    private const string LiveSql = """
        select id from eventauth.session s where ended_at is null and not exists (
          select 1 from eventauth.revocation r where r.position > s.position and (r.kind = 0 or (r.kind = 1 and r.key = s.subject_key)
            or (r.kind = 2 and r.key = s.sid_key) or (r.kind = 3 and r.key = s.id)))
        """;

    public async Task<FinalState> ReadAsync(IEnumerable<Subscriber> everybody, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(world.Servers.Postgres);
        var events = await RowsAsync(source, EventsSql, r => KeyValuePair.Create(r.GetString(0), r.GetInt32(1)), ct);
        var live = (await RowsAsync(source, LiveSql, r => r.GetGuid(0), ct)).ToHashSet();
        var head = await RowsAsync(source, "select coalesce(max(position), 0) from eventauth.revocation", r => r.GetInt64(0), ct);
        var applied = await Task.WhenAll(world.Gateways.Select(g => AppliedAsync(g, ct)));
        return new FinalState(new Dictionary<string, int>(events), await AuditedAsync(ct),
            everybody.Where(s => live.Contains(IdOf(s.Cookie))).Select(s => s.Trace.Id).ToHashSet(), head[0], applied);
    }

    private static Guid IdOf(string cookie) => SessionId.OfSecret(Base64Url.DecodeFromChars(cookie.Split('=', 2)[1])).Value;

    private static async Task<long> AppliedAsync(Replica gateway, CancellationToken ct)
    {
        using var http = new HttpClient();
        using var status = JsonDocument.Parse(await http.GetStringAsync(new Uri(gateway.Process.Operations, "/status"), ct));
        return status.RootElement.GetProperty("revocations").GetProperty("appliedPosition").GetInt64();
    }

    // What an administrator is told, page by page.
    private async Task<IReadOnlySet<string>?> AuditedAsync(CancellationToken ct)
    {
        using var signIn = new SignIn(world);
        if (await signIn.TryAsync(World.Administrator, 0, ct) is not { } administrator)
        {
            return null;
        }

        var audited = new HashSet<string>();
        using var http = new HttpClient();
        var after = 0L;
        for (var more = true; more;)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(world.Gateways[0].Process.Public, $"/api/audit/events?limit=1000&after={after}"));
            request.Headers.Host = World.PublicUrl.Authority;
            request.Headers.Add("Cookie", administrator.Cookie);
            using var answer = await http.SendAsync(request, ct);
            answer.EnsureSuccessStatusCode();
            using var page = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct));
            more = page.RootElement.GetProperty("more").GetBoolean();
            after = page.RootElement.GetProperty("next").GetInt64();
            audited.UnionWith(page.RootElement.GetProperty("events").EnumerateArray()
                .Where(e => e.GetProperty("type").GetString() == "subject_revoked")
                .Select(e => e.GetProperty("data").GetProperty("cause").GetString() ?? ""));
        }

        return audited;
    }

    private static async Task<List<T>> RowsAsync<T>(NpgsqlDataSource source, string sql, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<T>();
        while (await reader.ReadAsync(ct))
        {
            rows.Add(read(reader));
        }

        return rows;
    }
}
