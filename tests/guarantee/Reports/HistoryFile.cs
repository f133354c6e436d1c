using System.Text.Json;
using System.Text.Json.Serialization;
using EventAuth.Guarantee.Checking;
using EventAuth.Guarantee.Histories;

namespace EventAuth.Guarantee.Reports;

/// <summary>A history as NDJSON: one object a line, its kind in <c>op</c>, times in nanoseconds of one monotonic clock.</summary>
internal static class HistoryFile
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    public static async Task WriteAsync(string file, History history, IReadOnlyList<Violation> violations)
    {
        await using var writer = new StreamWriter(file);
        foreach (var line in history.Sessions.Select(s => Line("session", s))
            .Concat(history.Windows.Select(w => Line("fault", w)))
            .Concat(history.Revocations.Select(r => Line("revoke", r)))
            .Concat(history.WrongTokens.Select(t => Line("wrong-token", t)))
            .Concat(history.Asks.Select(a => Line("ask", a)))
            .Concat(history.FinalAsks.Select(a => Line("final-ask", a)))
            .Concat(violations.Select(v => Line("violation", v))))
        {
            await writer.WriteLineAsync(line);
        }
    }

    private static string Line<T>(string op, T what)
    {
        var json = JsonSerializer.SerializeToNode(what, Json)!.AsObject();
        json.Insert(0, "op", op);
        return json.ToJsonString(Json);
    }
}
