using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using EventAuth.Domain.Tests.Fuzz;
using EventAuth.Gateway.Cookies;
using Microsoft.AspNetCore.Http;

namespace EventAuth.Services.Tests.Fuzz;

/// <summary>Any Cookie header: no exception, and a session only where its whole secret stands, once, under its name.</summary>
public sealed class CookieFuzzTests
{
    private const int Rounds = 100_000;
    private const string Name = "eventauth";

    private static readonly string[] Secrets =
        [.. Enumerable.Range(0, 20).Select(i => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"session {i}"))))];

    private static readonly string[] Headers =
    [
        .. Secrets.Select(s => $"{Name}={s}"), .. Secrets.Take(5).Select(s => $"theme=dark; {Name}={s}; lang=de"), $"__Host-{Name}={Secrets[1]}",
        $"{Name}={Secrets[2]}; {Name}={Secrets[3]}", $"{Name}-login={Secrets[4]}.1.1767225600", $"{Name}=\"{Secrets[5]}\"", "", ";;;=;", $"a={Name}={Secrets[6]}",
    ];

    [Fact]
    public void No_changed_cookie_is_read_as_the_session_of_another()
    {
        var found = 0;
        FuzzRun.Run(Rounds, Headers, m => m.Text(), header =>
        {
            var secret = new byte[32];
            var reading = SessionCookie.TryRead(new HeaderDictionary { ["Cookie"] = header }, Name, secret);

            // By the book: split at ';', trim, compare the name.
            var values = header.Split(';').Select(p => p.Trim()).Where(p => p.StartsWith(Name + "=", StringComparison.Ordinal)).Select(p => p[(Name.Length + 1)..]).ToList();
            Assert.Equal(values.Count == 1 && IsSecret(values[0]), reading == CookieReading.Found);
            Assert.Equal(values.Count == 0, reading == CookieReading.None);
            if (reading == CookieReading.Found)
            {
                found++;
                Assert.Equal(values[0], Base64Url.EncodeToString(secret));
            }
        });
        Assert.True(found > 0);
    }

    [Fact]
    public void Several_lines_count_like_one()
    {
        FuzzRun.Run(Rounds / 4, Headers, m => $"{m.Text()}\u001e{m.Text()}", header =>
        {
            var lines = header.Split('\u001e');
            var (apart, joined) = (new byte[32], new byte[32]);

            var reading = SessionCookie.TryRead(new HeaderDictionary { ["Cookie"] = lines }, Name, apart);

            Assert.Equal(SessionCookie.TryRead(new HeaderDictionary { ["Cookie"] = string.Join("; ", lines) }, Name, joined), reading);
            Assert.Equal(joined, apart);
        });
    }

    [Fact]
    public void No_login_cookie_makes_its_reader_stumble()
    {
        var settings = Adapters.Settings.SettingsRules.Read(new Dictionary<string, string>
        {
            ["publicUrl"] = "http://localhost:8080",
            ["postgres.connectionString"] = "Host=localhost",
            ["providers.0.issuer"] = "https://idp.test",
            ["providers.0.clientId"] = "eventauth",
            ["providers.0.clientSecret"] = "secret",
            ["secrets.tokenKeys.0.id"] = "k1",
            ["secrets.tokenKeys.0.key"] = Convert.ToBase64String(new byte[32]),
        });
        string[] good = [.. Secrets.Select(s => $"eventauth-login={s}.3.1767225600")];
        var right = new HashSet<Guid>(good.Select(h => Read(h)!.Hash));
        FuzzRun.Run(Rounds, good, m => m.Text(), header =>
        {
            if (Read(header) is { } binding && right.Contains(binding.Hash))
            {
                Assert.Single(Secrets, s => header.Contains($"eventauth-login={s}.", StringComparison.Ordinal));
            }
        });

        BrowserBinding? Read(string header) => BrowserBinding.Read(new HeaderDictionary { ["Cookie"] = header }, settings);
    }

    private static bool IsSecret(string text) => text.Length == 43 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
        && Convert.ToBase64String(Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/') + "=")).TrimEnd('=').Replace('+', '-').Replace('/', '_') == text;
}
