using System.Text.Json;
using EventAuth.Vectors.Files;
using EventAuth.Vectors.Worlds;

namespace EventAuth.Vectors.Suites;

/// <summary>What every suite works with.</summary>
/// <param name="Postgres">A server on which databases may be made.</param>
internal sealed record Scope(VectorFile File, Report Report, string Postgres, OutgoingCalls Calls, CancellationToken Ct)
{
    // What the services allow for clocks that differ; a file that counts on something else would be judged wrongly.
    private const int Skew = 60;

    /// <summary>The issuer that the file's tokens name.</summary>
    public string Issuer => File.About.Text("issuer") ?? "https://op.example.test";

    public string ClientId => File.About.Text("client_id") ?? "gateway-client";

    /// <summary>The one algorithm of the client's registration.</summary>
    public string Algorithm => File.About.Text("id_token_signed_response_alg") ?? "RS256";

    /// <summary>Judges one case: what was not understood in it speaks against it too.</summary>
    public void Judge(Members vector, string id, string expected, IEnumerable<string> against) =>
        Report.Judge(File.Name, id, expected, [.. against, .. vector.Problems()]);

    /// <summary>Judges cases that can't be run, since what they name is not there.</summary>
    public void JudgeAll(IEnumerable<(string Id, Members Vector)> cases)
    {
        foreach (var (id, _) in cases)
        {
            Report.Judge(File.Name, id, "key sets that the file has", ["none of the names that it gives"]);
        }
    }

    /// <summary>What the file says about all its cases has to be understood as well.</summary>
    public void JudgeHead()
    {
        if (File.About.Number("skew_seconds") is { } skew && skew != Skew)
        {
            File.About.Say($"wants a skew of {skew} s, which is {Skew} s here");
        }

        File.About.Ignore("clock_iso", "licence", "purpose", "common");
        File.Root.Ignore("_about", "test_private_keys");
        File.Root.Ignore([.. File.Root.Names.Where(n => n.StartsWith("jwks", StringComparison.Ordinal))]);
        if (File.Root.Problems() is { Count: > 0 } problems)
        {
            Report.Judge(File.Name, "(head)", "a head that is understood", problems);
        }

        if (!Calls.SawAny)
        {
            Report.Judge(File.Name, "(calls)", "the services' calls to the IdP are seen", ["none"]);
        }
    }

    /// <summary>Nobody but the IdP was asked anything meanwhile.</summary>
    public IEnumerable<string> AskedOthers(VectorIdp idp) =>
        Calls.Take().Where(a => a != idp.Authority).Distinct().Select(a => $"a request to {a}");

    /// <summary>A case, without what it only tells people.</summary>
    public static (string Id, Members Vector) Read(JsonElement element)
    {
        var vector = new Members(element).Ignore("title", "ref", "note", "why", "comment");
        return (vector.Text("id") ?? "(no id)", vector);
    }
}
