using System.Buffers.Text;
using System.Security.Cryptography;
using EventAuth.Gateway.Cookies;
using Microsoft.AspNetCore.Http;

namespace EventAuth.Services.Tests.Cache;

public sealed class SessionCookieTests
{
    private static readonly byte[] Secret = SHA256.HashData("a secret"u8);
    private static readonly string Good = Base64Url.EncodeToString(Secret);

    [Theory]
    [InlineData("eventauth={0}")]
    [InlineData("a=1; eventauth={0}; b=2")]
    [InlineData("a=1;eventauth={0}")]
    [InlineData("xeventauth=1; eventauth={0}; eventauthx=1")]
    public void It_is_found_among_others(string header) => Assert.Equal(CookieReading.Found, Read(header));

    [Theory]
    [InlineData("")]
    [InlineData("a=1; b=2")]
    [InlineData("eventauth")]
    [InlineData("Eventauth={0}")]
    public void Without_one_there_is_none(string header) => Assert.Equal(CookieReading.None, Read(header));

    [Theory]
    [InlineData("eventauth=")]
    [InlineData("eventauth={0}A")]
    [InlineData("eventauth=\"{0}\"")]
    [InlineData("eventauth={0}; eventauth={0}")]
    [InlineData("eventauth=x; eventauth={0}")]
    [InlineData("eventauth=!!!!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Anything_else_of_the_name_is_malformed(string header) => Assert.Equal(CookieReading.Malformed, Read(header));

    // CVE-2026-27840: a shortened token was valid elsewhere. And base64 has spare bits in its last character: another
    // spelling of the same bytes must not pass either.
    [Fact]
    public void Shortened_or_respelt_values_are_malformed()
    {
        Assert.Equal(CookieReading.Malformed, Read("eventauth=" + Good[..^1]));
        var last = (char)(Good[^1] + 1);
        Assert.Equal(CookieReading.Malformed, Read("eventauth=" + Good[..^1] + last));
    }

    [Fact]
    public void A_hundred_cookies_and_sixteen_kilobytes_are_read_in_one_pass()
    {
        var header = string.Join("; ", Enumerable.Range(0, 100).Select(i => $"c{i}={new string('x', 160)}")) + "; eventauth=" + Good;

        Assert.Equal(CookieReading.Found, Read(header));
    }

    private static CookieReading Read(string header)
    {
        Span<byte> secret = stackalloc byte[32];
        var reading = SessionCookie.TryRead(
            new HeaderDictionary { ["Cookie"] = header.Replace("{0}", Good, StringComparison.Ordinal) }, "eventauth", secret);
        Assert.True(reading != CookieReading.Found || secret.SequenceEqual(Secret));
        return reading;
    }
}
