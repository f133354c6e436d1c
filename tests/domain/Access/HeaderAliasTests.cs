using EventAuth.Contracts;
using EventAuth.Domain.Access;

namespace EventAuth.Domain.Tests.Access;

/// <summary>
/// A proxy replaces X-Forwarded-User with our answer and lets the client's X_Forwarded_User pass. An application behind CGI,
/// WSGI or PHP reads both as one and may take the client's (CVE-2025-64484, CVE-2026-39858, CVE-2026-54763, CVE-2026-88011).
/// </summary>
public sealed class HeaderAliasTests
{
    [Theory]
    [InlineData("X_Forwarded_Proto")]
    [InlineData("X_Forwarded_Host")]
    [InlineData("X_Forwarded_Uri")]
    [InlineData("X_Forwarded_For")]
    [InlineData("X_Forwarded_Method")]
    [InlineData("X_Forwarded_Prefix")]
    [InlineData("X_Forwarded_Port")]
    [InlineData("X_Forwarded_Server")]
    [InlineData("X_Forwarded_Tls_Client_Cert")]
    [InlineData("X_Forwarded_User")]
    [InlineData("X-Forwarded_User")]
    [InlineData("x_forwarded-USER")]
    [InlineData("X_Auth_Request_User")]
    [InlineData("X_Auth-Request.Email")]
    [InlineData("X_User_Groups")]
    [InlineData("X-User.Roles")]
    [InlineData("Remote_User")]
    [InlineData("X_User")]
    [InlineData("X.Real.Ip")]
    [InlineData("X.Forwarded.User")]
    [InlineData("X-Forwarded.User")]
    [InlineData("X~Forwarded~User")]
    [InlineData("X!User+Roles")]
    [InlineData("X-Auth'Request|Email")]
    public void It_reads_like_one_of_ours(string name) => Assert.True(HeaderAliases.IsAlias(name));

    [Theory]
    [InlineData("X-Forwarded-User")]
    [InlineData("x-forwarded-user")]
    [InlineData("X-Forwarded-Host")]
    [InlineData("X-Auth-Request-User")]
    [InlineData("X-User-Roles")]
    [InlineData("Cookie")]
    [InlineData("")]
    [InlineData("_")]
    [InlineData("X_Forwarded")]
    [InlineData("X_User_Agent")]
    [InlineData("XX_Forwarded_User")]
    [InlineData("X_Auth_Request_User_2")]
    [InlineData("client_request.id")]
    [InlineData("X__Forwarded_User")]
    public void It_is_ours_or_nobody_takes_it_for_ours(string name) => Assert.False(HeaderAliases.IsAlias(name));

    [Fact]
    public void No_header_that_we_answer_with_can_be_spelled_otherwise()
    {
        foreach (var name in IdentityHeaders.All)
        {
            Assert.False(HeaderAliases.IsAlias(name));
            Assert.True(HeaderAliases.IsAlias(name.Replace('-', '_')), name);
            Assert.True(HeaderAliases.IsAlias(name.Replace('-', '.')), name);
        }
    }
}
