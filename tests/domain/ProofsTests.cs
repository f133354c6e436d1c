using System.Text.RegularExpressions;

namespace EventAuth.Domain.Tests;

/// <summary>
/// The tables of <c>tests/proofs</c> say which test proves what. A name that no test has, or a row with neither a test nor a
/// reason, would be a promise that nobody keeps.
/// </summary>
public sealed partial class ProofsTests
{
    private const int ShortestReason = 12;

    private static readonly Dictionary<string, HashSet<string>> Tests = FindTests();

    public static TheoryData<string> Tables =>
        new(Directory.GetFiles(Path.Combine(Tree.Root, "tests", "proofs"), "*.md").Select(f => Path.GetFileName(f)).Where(f => Rows(f).Any()));

    [Theory]
    [MemberData(nameof(Tables))]
    public void Every_test_that_a_table_names_exists(string file)
    {
        var names = Rows(file).SelectMany(r => Name().Matches(string.Join('|', r))).Select(m => (Class: m.Groups[1].Value, Method: m.Groups[2].Value)).ToList();

        Assert.NotEmpty(names);
        Assert.Empty(names.Where(n => !Tests.TryGetValue(n.Class, out var methods) || !methods.Contains(n.Method)).Select(n => $"{n.Class}.{n.Method}").Distinct());
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Every_row_has_a_test_or_a_reason(string file)
    {
        var rows = Rows(file).ToList();

        Assert.NotEmpty(rows);
        Assert.Empty(rows.Where(r => r.Length != 4 || !(Name().IsMatch(r[2]) || r[3].Length >= ShortestReason)).Select(r => string.Join(" | ", r)));
    }

    // Case | What must hold | Test | Note. Other tables are none of ours.
    private static IEnumerable<string[]> Rows(string file)
    {
        string[]? header = null;
        foreach (var line in File.ReadLines(Path.Combine(Tree.Root, "tests", "proofs", file)))
        {
            string[]? cells = line.StartsWith('|') ? [.. Border().Split(line.Trim()[1..^1]).Select(c => c.Trim())] : null;
            if (header is [_, _, "Test", _] && cells is not null && !cells[0].StartsWith('-'))
            {
                yield return cells;
            }

            header = cells is null ? null : header ?? cells;
        }
    }

    // Methods of every class of a file count for every class in it: a fixture inside a test class has none of its own.
    private static Dictionary<string, HashSet<string>> FindTests()
    {
        var tests = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Tree.Root, "tests"), "*.cs", SearchOption.AllDirectories))
        {
            var text = File.ReadAllText(file);
            string[] methods = [.. Method().Matches(text).Select(m => m.Groups[1].Value)];
            foreach (var name in Class().Matches(text).Select(m => m.Groups[1].Value))
            {
                if (!tests.TryGetValue(name, out var known))
                {
                    tests[name] = known = [];
                }

                known.UnionWith(methods);
            }
        }

        return tests;
    }

    [GeneratedRegex(@"`([A-Z]\w*Tests)\.(\w+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex Border();

    [GeneratedRegex(@"^\s*public (?:sealed |abstract |static |partial )*class (\w+)", RegexOptions.Multiline)]
    private static partial Regex Class();

    [GeneratedRegex(@"(?:Fact|Theory)(?:\([^\n]*\))?\]\s*(?:\[[^\n]*\]\s*|//[^\n]*\s*|#[^\n]*\s*)*public (?:static )?(?:async )?(?:Task|void) (\w+)\(")]
    private static partial Regex Method();
}
