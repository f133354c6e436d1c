using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Domain.Tests.Sessions;

namespace EventAuth.Domain.Tests;

/// <summary>The rules of the layout, checked from the files themselves.</summary>
public sealed partial class ArchitectureTests
{
    [Theory]
    [InlineData("contracts", "")]
    [InlineData("services/shared/domain", "contracts")]
    [InlineData("services/shared/adapters", "services/shared/domain")]
    [InlineData("services/gateway", "services/shared/adapters")]
    [InlineData("services/revalidator", "services/shared/adapters")]
    [InlineData("services/logout", "services/shared/adapters")]
    public void A_project_refers_only_downwards(string project, string allowed)
    {
        var file = Directory.GetFiles(Path.Combine(Tree.Root, project), "*.csproj").Single();
        var references = XDocument.Load(file).Descendants("ProjectReference")
            .Select(r => Path.GetDirectoryName(Path.GetFullPath(r.Attribute("Include")!.Value, Path.GetDirectoryName(file)!)))
            .Select(d => Path.GetRelativePath(Tree.Root, d!).Replace('\\', '/'));

        Assert.Equal(allowed, string.Join(",", references));
    }

    [Fact]
    public void No_two_folders_of_a_project_use_each_other()
    {
        var edges = Sources("contracts", "services").SelectMany(Uses).Where(e => e.From != e.To).ToHashSet();

        Assert.NotEmpty(edges);
        Assert.DoesNotContain(edges, e => Reaches(edges, e.To, e.From));
    }

    [Fact]
    public void No_source_file_is_longer_than_300_lines() =>
        Assert.DoesNotContain(Sources("contracts", "services", "tests"), f => File.ReadLines(f).Count() > 300);

    [Fact]
    public void Every_kind_of_event_is_known_to_Evolve()
    {
        var kinds = typeof(SessionEvent).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(SessionEvent))).ToList();

        Assert.NotEmpty(kinds);
        foreach (var @event in kinds.Select(RuntimeHelpers.GetUninitializedObject).Cast<SessionEvent>())
        {
            var before = @event is SessionIssued ? Session.Initial : Session.Replay([SessionSpec.Issued]);
            Assert.NotNull(Session.Evolve(before, @event));
        }
    }

    // The list of banned symbols sees calls, not signatures: a method that only hands a Task on would pass it.
    [Fact]
    public void The_domain_does_not_speak_of_tasks_streams_or_clocks()
    {
        var members = typeof(Session).Assembly.GetTypes()
            .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .SelectMany(m => m.GetParameters().Select(p => p.ParameterType).Append(m.ReturnType).Select(t => (m, t)))
            .ToList();

        Assert.NotEmpty(members);
        Assert.DoesNotContain(members, x =>
            x.t.Namespace is "System.Threading.Tasks" or "System.Threading" or "System.IO" or "System.Net.Http" || x.t == typeof(TimeProvider));
    }

    [Fact]
    public void No_log_id_is_used_twice()
    {
        var ids = Sources("services").SelectMany(f => LogId().Matches(File.ReadAllText(f)).Select(m => m.Groups[1].Value)).ToList();

        Assert.NotEmpty(ids);
        Assert.Empty(ids.GroupBy(i => i).Where(g => g.Count() > 1).Select(g => g.Key));
    }

    [Fact]
    public void Every_project_has_a_lock_file() =>
        Assert.DoesNotContain(Projects(), p => !File.Exists(Path.Combine(Path.GetDirectoryName(p)!, "packages.lock.json")));

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = File.ReadAllText(Path.Combine(Tree.Root, "EventAuth.sln"));

        Assert.DoesNotContain(Projects(), p => !solution.Contains(Path.GetFileName(p), StringComparison.Ordinal));
    }

    private static IEnumerable<string> Projects() => Files("*.csproj", "contracts", "services", "tests");

    private static IEnumerable<string> Sources(params string[] folders) => Files("*.cs", folders);

    private static IEnumerable<string> Files(string pattern, params string[] folders) => folders
        .SelectMany(d => Directory.EnumerateFiles(Path.Combine(Tree.Root, d), pattern, SearchOption.AllDirectories))
        .Where(f => !BuildOutput().IsMatch(f));

    private static IEnumerable<(string From, string To)> Uses(string file)
    {
        var text = File.ReadAllText(file);
        var from = Namespace().Match(text).Groups[1].Value;
        return from.Length == 0 ? [] : Using().Matches(text).Select(m => (from, m.Groups[1].Value));
    }

    private static bool Reaches(HashSet<(string From, string To)> edges, string start, string goal)
    {
        var seen = new HashSet<string> { start };
        var queue = new Queue<string>(seen);
        while (queue.TryDequeue(out var at))
        {
            if (at == goal)
            {
                return true;
            }

            foreach (var next in edges.Where(e => e.From == at && seen.Add(e.To)))
            {
                queue.Enqueue(next.To);
            }
        }

        return false;
    }

    [GeneratedRegex(@"^namespace (EventAuth[\w.]*);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^using (?:static |\w+ = )?(EventAuth[\w.]*);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"\[LoggerMessage\((\d+),")]
    private static partial Regex LogId();

    [GeneratedRegex(@"[\\/](obj|bin|artifacts|node_modules)[\\/]")]
    private static partial Regex BuildOutput();
}
