using System.Text.Json.Nodes;
using EventAuth.Services.Tests.Harness;
using EventAuth.Vectors;
using EventAuth.Vectors.Files;

namespace EventAuth.Services.Tests.VectorRuns;

/// <summary>The program that runs vector files (<c>tests/vectors</c>): over the whole collection, and over files that must not pass.</summary>
public sealed class VectorRunTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("eventauth-vectors-");

    [VectorFact(needsStore: true)]
    public async Task Every_vector_of_the_collection_gets_its_expected_answer_from_running_services()
    {
        var (report, output) = await RunAsync(VectorFactAttribute.Folder("own"));

        Assert.True(report.Deviations.Count == 0, output);
        Assert.True(report.Passed > 900, output);
    }

    [StoreFact]
    public async Task A_logout_token_that_is_not_answered_as_expected_is_a_deviation()
    {
        var (_, output) = await RunAsync("bcl-vectors.json", (file, cases) =>
        {
            cases["P01"]!["expect"] = new JsonObject { ["status"] = 400 };
            cases["P02"]!["expect"]!["effect"]!["sid"] = "of-somebody-else";
            cases["P03"]!["zone"] = "unknown";
            cases["J01-none"]!["expect"] = new JsonObject { ["status"] = 200 };
            cases["J25"]!["assert"] = "the moon is full";
            cases["C01"]!["expect"]!["error"] = "invalid_moon";
            file["http_cases"] = new JsonArray(JsonNode.Parse("""
                {"id":"H19","request":{"method":"DELETE"},"expect":{"status":200}}
                """));
        });

        Assert.Contains("bcl-vectors.json P01 (compat): expected {\"status\":400}; seen status 200", output, StringComparison.Ordinal);
        Assert.Contains("P02 (strict): expected ", output, StringComparison.Ordinal);
        Assert.Contains("seen a revocation of https://op.example.test, sid sid-alice-1", output, StringComparison.Ordinal);
        Assert.Contains("seen member zone is not understood", output, StringComparison.Ordinal);
        Assert.Contains("J01-none (exp optional): expected {\"status\":200}; seen status 400", output, StringComparison.Ordinal);
        Assert.Contains("seen asserts something that is not understood: the moon is full", output, StringComparison.Ordinal);
        Assert.Contains("seen error invalid_request", output, StringComparison.Ordinal);
        Assert.Contains("H19: expected {\"status\":200}; seen status 405; no revocation in the store", output, StringComparison.Ordinal);
        Assert.EndsWith("0 passed, 19 failed", output.TrimEnd(), StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task An_ID_token_that_is_not_answered_as_expected_is_a_deviation()
    {
        var (_, output) = await RunAsync("idtoken-vectors.json", (_, cases) =>
        {
            cases["I01"]!["expect"] = "reject: no session, no userinfo call, no cookie";
            cases["R03"]!["expect"] = "accept";
            cases["R06"]!["expect"] = "perhaps";
        });

        Assert.Contains("I01: expected reject", output, StringComparison.Ordinal);
        Assert.Contains("seen status 302; a session cookie; 1 sessions in the store; 1 userinfo calls", output, StringComparison.Ordinal);
        Assert.Contains("R03: expected accept; seen status 400", output, StringComparison.Ordinal);
        Assert.Contains("expects 'perhaps', which is not understood", output, StringComparison.Ordinal);
        Assert.True(output.TrimEnd().EndsWith("0 passed, 3 failed", StringComparison.Ordinal), output);
    }

    [StoreFact]
    public async Task An_address_that_is_honoured_against_expectation_or_not_is_a_deviation()
    {
        Write("redirect-payloads.json", """
            {"_about":{"self_origin":"https://app.example.org","allowlist_for_table_rows":["foo.bar"]},"cases":[
            {"id":"R1","payload":"/ok","expected":"reject","browser":"same-origin","wire":"rd=%2Fok"},
            {"id":"R2","payload":"https://evil.test/x","expected":"accept","browser":"cross-origin:evil.test","wire":"rd=https%3A%2F%2Fevil.test%2Fx"},
            {"id":"R3","payload":"/ok","expected":"accept","browser":"same-origin","wire":"rd=%2Fok"},
            {"id":"R4","payload":"https://foo.bar/x","expected":"accept","browser":"allowlisted:foo.bar","wire":"rd=https%3A%2F%2Ffoo.bar%2Fx"}]}
            """);

        var (report, output) = await RunAsync(_folder.FullName);

        Assert.Equal(["R1", "R2"], report.Deviations.Select(d => d.Id));
        Assert.Contains("honoured as https://app.example.org/ok (rd)", output, StringComparison.Ordinal);
        Assert.Contains("honoured as https://app.example.org/ok (X-Forwarded-Uri)", output, StringComparison.Ordinal);
        Assert.Equal(2, report.Passed);
    }

    [StoreFact]
    public async Task What_is_no_vector_file_is_a_deviation_and_a_later_capability_is_neither()
    {
        Write("a.json", "[]");
        Write("b.json", """{"cases":[{"id":"X1","moon":"full"}]}""");
        Write("c.json", """{"cases":[{"id":"S1","content_type":"application/secevent+jwt","body":"x"}]}""");
        Write("d.json", "{");

        var (report, output) = await RunAsync(_folder.FullName);

        Assert.Equal(["a.json", "b.json", "d.json"], report.Deviations.Select(d => d.File));
        Assert.Equal(0, report.Passed);
        Assert.Contains("c.json: 1 cases not applicable yet: ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\".\" * 3", "...")]
    [InlineData("\"/\" + \"a\"*4", "/aaaa")]
    [InlineData("logout_token=\" + \"a\"*2", "logout_token=aa")]
    [InlineData("2 * 'ab' + T", "ababTOKEN")]
    [InlineData("\"Bearer {T}\" + \".\"", "Bearer TOKEN.")]
    [InlineData("\"&\".join(\"a%d=1\"%i for i in range(2)) + logout_token", "a0=1&a1=1&logout_token=TOKEN")]
    [InlineData("open('/etc/passwd')", null)]
    [InlineData("\"a\" * 999999999999", null)]
    [InlineData("\"a\" / 2", null)]
    [InlineData("", null)]
    public void What_is_too_long_to_be_written_down_is_described(string description, string? text) =>
        Assert.Equal(text, Generator.Make(description, "TOKEN"));

    public void Dispose() => _folder.Delete(recursive: true);

    // The cases that were changed, out of the copy beside the tests, and nothing else.
    private Task<(Report Report, string Output)> RunAsync(string name, Action<JsonNode, JsonObject> change)
    {
        var file = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Oidc", "vectors", name)))!;
        var cases = new JsonObject(file["cases"]!.AsArray().Select(c => KeyValuePair.Create(c!["id"]!.GetValue<string>(), c.DeepClone()))!);
        var before = cases.ToDictionary(c => c.Key, c => c.Value!.ToJsonString());
        file.AsObject().Remove("http_cases");
        change(file, cases);
        file["cases"] = new JsonArray([.. cases.Where(c => c.Value!.ToJsonString() != before[c.Key]).Select(c => c.Value!.DeepClone())]);
        Write(name, file.ToJsonString());
        return RunAsync(_folder.FullName);
    }

    private static async Task<(Report Report, string Output)> RunAsync(string path)
    {
        var server = Environment.GetEnvironmentVariable("EVENTAUTH_TEST_POSTGRES")
            ?? throw new InvalidOperationException("EVENTAUTH_TEST_POSTGRES has to name a Postgres server when CI=true");
        await using var output = new StringWriter();
        var report = await VectorRun.RunAsync([path], server, output, default);
        report.Finish();
        return (report, output.ToString());
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder.FullName, name), text);
}
