using System.Globalization;
using System.Text;
using EventAuth.Adapters.Postgres;
using EventAuth.Contracts;
using EventAuth.Revalidator;
using EventAuth.Services.Tests.Compose;
using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Logout;
using Xunit.Abstractions;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>
/// What an IdP may answer, and what comes of it: for the session, in the record and in the log. One bad secret, one captive
/// portal or one outage must not sign ten thousand people out. The table that people read is compared with what happened.
/// </summary>
public sealed class AnswerTableTests(LiveStore store, ITestOutputHelper output) : IClassFixture<LiveStore>
{
    [StoreFact]
    public async Task Only_the_word_of_the_IdP_itself_ends_anything()
    {
        var table = new StringBuilder("| The IdP answers | Outcome | Events | Log | Test |\n|---|---|---|---|---|\n");
        var wrong = new List<string>();
        var templates = new SortedDictionary<int, string>();
        foreach (var row in AnswerRows.All)
        {
            var (outcome, events, log) = await CheckAsync(row, templates);
            table.Append(CultureInfo.InvariantCulture, $"| {row.What} | {outcome} | {events} | {log} | `{nameof(AnswerTableTests)}.{nameof(Only_the_word_of_the_IdP_itself_ends_anything)}` |\n");
            if ((outcome, events) != (row.Outcome, row.Events) || !log.Contains(row.Log, StringComparison.Ordinal))
            {
                wrong.Add($"{row.What}: {outcome} / {events} / {log}");
            }
        }

        table.Append("\n| Log | Text |\n|---|---|\n").AppendJoin("", templates.Select(t => $"| {t.Key} | {t.Value} |\n"));
        output.WriteLine(table.ToString());
        Assert.Empty(wrong);
        Assert.True(AnswerRows.All.Count >= 30);
        var written = await File.ReadAllTextAsync(Path.Combine(Needs.Root!, "tests", "proofs", "provider-answers.md"));
        Assert.EndsWith(table.ToString(), written, StringComparison.Ordinal);
    }

    private async Task<(string Outcome, string Events, string Log)> CheckAsync(AnswerRow row, SortedDictionary<int, string> templates)
    {
        await using var world = await RevalidationWorld.StartAsync(store, [.. row.Settings]);
        var sub = $"table {row.What}";
        var id = await world.SignInAsync(sub, row.Refreshable);
        world.Log.Clear();
        world.Idp.Always(row.At, row.Answer(world.Idp));
        var check = world.CheckAsync(id);
        if (row.Hangs)
        {
            await Until.TrueAsync("the IdP was asked", () => world.Idp.Log.Count(row.At) > 0);
            world.Clock.Advance(TimeSpan.FromSeconds(10));
        }

        var step = await check.WaitAsync(TimeSpan.FromSeconds(20));
        // After a silence the refresh itself is recorded by who began it, which may be later.
        var stream = (await store.StreamAsync(EventStore.StreamOf(id))).Skip(1).Select(e => e.Event).Where(e => !(row.Hangs && e is SessionRefreshFailed));
        var subject = await store.RevocationsOfAsync(new Subject(world.Idp.Issuer, sub));
        Assert.Equal(step is CheckStep.RevokeSubject or CheckStep.EndUnverified, await store.IsOverAsync(id));

        // What a silence makes others say may come before or after our look.
        var lines = row.Hangs ? [] : world.Log.Lines;
        foreach (var (line, text) in lines.Select(l => (l.Id, world.Log.Templates[l.Id])))
        {
            templates[line] = text;
        }

        return (Describe(step), Names(stream.Concat(subject)), string.Join("; ", lines.Select(l => $"{l.Level} {l.Id}").Distinct()));
    }

    private static string Names(IEnumerable<object> events) => string.Join(", ", events.Select(e => e switch
    {
        SessionRefreshFailed f => $"SessionRefreshFailed {f.Error}",
        RevalidationSkipped s => $"RevalidationSkipped {s.Error}",
        SessionEnded d => $"SessionEnded {d.Reason} {d.Cause}",
        SubjectRevoked r => $"SubjectRevoked {r.Reason} {r.Cause}",
        _ => e.GetType().Name,
    }));

    private static string Describe(CheckStep step) => step switch
    {
        CheckStep.Keep => "verified",
        CheckStep.RevokeSubject => "fatal",
        CheckStep.EndUnverified => "this session ends",
        CheckStep.Skip => "not fatal",
        CheckStep.Alarm => "alarm",
        _ => step.GetType().Name,
    };
}
