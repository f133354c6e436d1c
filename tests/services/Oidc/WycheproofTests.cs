using System.Text;
using System.Text.Json;
using EventAuth.Adapters.Oidc;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>
/// Project Wycheproof's JOSE vectors and the JOSE Cookbook (RFC 7520) against <see cref="StrictJws"/> and
/// <see cref="ProviderKeys"/>. Their payloads are mostly no JSON, so the claims' part of the form is left out:
/// everything else of the policy, and the signature over the true payload, is what runs in production.
/// </summary>
public sealed class WycheproofTests
{
    private const string OtherAlgorithm = "the set says that the key is for another algorithm (RFC 8725 3.1)";
    private const string Symmetric = "made with a symmetric key: there are none for us";
    private const string Stray = "there is a '?' inside: a token is canonical base64url to the last bit";
    private const string Published = "the weakness of the key (ROCA) is its owner's to mend, and not looked for";

    private static readonly string[] Algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    // Marked valid and refused, each for a reason. Whatever is not listed has to be accepted.
    private static readonly Dictionary<string, string> Refused = new()
    {
        ["json_web_signature 346"] = OtherAlgorithm,
        ["json_web_signature 347"] = OtherAlgorithm,
        ["json_web_signature 350"] = OtherAlgorithm,
        ["json_web_signature 351"] = OtherAlgorithm,
        ["json_web_signature 372"] = Stray,
        ["json_web_signature 373"] = Stray,
    };

    // Marked invalid and accepted, each for a reason. Whatever is not listed has to be refused.
    private static readonly Dictionary<string, string> Accepted = new()
    {
        ["json_web_key 7"] = Published,
        ["json_web_crypto 46"] = Published,
    };

    [VectorFact]
    public void The_476_signatures_of_Wycheproof_are_judged_as_it_judges_them_but_for_these()
    {
        var cases = Wycheproof("jws").ToList();
        var unexpected = cases.Where(c => c.Holds() != Expected(c)).Select(c => $"{c.Name}: {c.Comment}").ToList();

        Assert.Equal(476, cases.Count);
        Assert.Empty(unexpected);
    }

    [VectorFact]
    public void No_exception_to_the_rule_is_left_over() =>
        Assert.Equal(
            Refused.Keys.Concat(Accepted.Keys).Order(),
            Wycheproof("jws").Where(c => !c.IsSymmetric || c.Comment.StartsWith("InvalidCharacterInserted", StringComparison.Ordinal))
                .Where(c => (c.Marked == "valid") != c.Holds()).Select(c => c.Name).Order());

    // CVE-2024-21319: a compressed token of a few kB that becomes gigabytes when it is decrypted.
    [VectorFact]
    public void No_encrypted_token_of_Wycheproof_is_looked_into()
    {
        var cases = Wycheproof("jwe").ToList();

        Assert.True(cases.Count > 100);
        Assert.DoesNotContain(cases, c => StrictJws.Parse(c.Token, Algorithms) is JwsParse.Parsed);
    }

    [VectorFact]
    public void The_signatures_of_the_cookbook_hold_and_no_other_way_of_writing_them_is_a_token()
    {
        var files = Directory.GetFiles(Path.Combine(VectorFactAttribute.Folder("jose-cookbook"), "jws"), "*.json");
        var held = new List<string>();
        foreach (var file in files)
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            var (input, output) = (document.RootElement.GetProperty("input"), document.RootElement.GetProperty("output"));
            foreach (var form in output.EnumerateObject())
            {
                var token = form.Value.ValueKind == JsonValueKind.String ? form.Value.GetString()! : form.Value.GetRawText();
                if (new Case(form.Name, "", "", token, $$"""{"keys":[{{input.GetProperty("key").GetRawText()}}]}""").Holds())
                {
                    held.Add($"{Path.GetFileName(file)[..3]} {form.Name}");
                }
            }
        }

        // 4.4 is HS256; 4.5 has no payload; 4.6 to 4.8 and every "json…" are the JSON serialisation.
        Assert.Equal(8, files.Length);
        Assert.Equal(["4_1 compact", "4_2 compact", "4_3 compact"], held.Order());
    }

    private static bool Expected(Case c) => c.Marked switch
    {
        "valid" => Reason(c) is null,
        "invalid" => Accepted.ContainsKey(c.Name),
        _ => throw new InvalidDataException($"{c.Name} is marked {c.Marked}"),
    };

    private static string? Reason(Case c) => Refused.GetValueOrDefault(c.Name) ?? (c.IsSymmetric ? Symmetric : null);

    private static IEnumerable<Case> Wycheproof(string member)
    {
        foreach (var name in (string[])["json_web_signature", "json_web_key", "json_web_crypto", "json_web_encryption"])
        {
            using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(VectorFactAttribute.Folder("wycheproof"), $"{name}_test.json")));
            foreach (var group in document.RootElement.GetProperty("testGroups").EnumerateArray())
            {
                var key = group.TryGetProperty("public", out var open) ? open : group.GetProperty("private");
                var keys = key.TryGetProperty("keys", out _) ? key.GetRawText() : $$"""{"keys":[{{key.GetRawText()}}]}""";
                foreach (var test in group.GetProperty("tests").EnumerateArray().Where(t => t.TryGetProperty(member, out _)))
                {
                    var token = test.GetProperty(member);
                    yield return new Case(
                        $"{name} {test.GetProperty("tcId").GetInt32()}", test.GetProperty("comment").GetString()!, test.GetProperty("result").GetString()!,
                        token.ValueKind == JsonValueKind.String ? token.GetString()! : token.GetRawText(), keys);
                }
            }
        }
    }

    private sealed record Case(string Name, string Comment, string Marked, string Token, string KeySet)
    {
        // {} in base64url.
        private const string NoClaims = "e30";

        public bool IsSymmetric => !KeySet.Contains("\"RSA\"", StringComparison.Ordinal) && !KeySet.Contains("\"EC\"", StringComparison.Ordinal);

        /// <summary>Whether the signature holds under our policy, whatever the payload is.</summary>
        public bool Holds()
        {
            // The payload has to be canonical too, though not JSON.
            if (StrictJws.Parse(Token, Algorithms) is JwsParse.Refused { Rule: not "json" })
            {
                return false;
            }

            var parts = Token.Split('.');
            return StrictJws.Parse($"{parts[0]}.{NoClaims}.{parts[2]}", Algorithms) is JwsParse.Parsed parsed
                && ProviderKeys.Parse(Encoding.UTF8.GetBytes(KeySet)) is { } keys
                && StrictJws.Verify(parsed.Jws with { SigningInput = Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}") }, keys) is JwsResult.Verified;
        }
    }
}
