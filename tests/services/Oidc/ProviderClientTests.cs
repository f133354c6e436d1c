using System.Web;
using EventAuth.Adapters.Oidc;
using EventAuth.Domain.Login;
using EventAuth.Domain.Refresh;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Oidc;

/// <summary>The conversation with an IdP that behaves.</summary>
public sealed class ProviderClientTests
{
    [Fact]
    public async Task A_login_asks_with_PKCE_and_gets_tokens_and_claims()
    {
        await using var session = await StubSession.StartAsync();

        var back = await session.AuthorizeAsync();
        var completed = Assert.IsType<CodeExchange.Completed>(await session.Client.ExchangeCodeAsync(
            back["code"]!, StubSession.RedirectUri, session.Attempt, StubSession.Patience, default));

        Assert.Equal(("state-1", session.Idp.Issuer), (back["state"], back["iss"]));
        Assert.Equal(("alice", session.Idp.Issuer), (completed.Identity.Sub, completed.Identity.Issuer));
        Assert.NotNull(completed.Identity.Sid);
        Assert.Equal(("alice@example.test", "Alice"), (completed.Claims.Email, completed.Claims.Name));
        Assert.Equal(["staff"], completed.Claims.Groups);
        Assert.Empty(completed.Claims.Roles!);
        Assert.Equal(session.Clock.GetUtcNow().AddMinutes(5), completed.Tokens.AccessExpiresAt);
        Assert.NotNull(completed.Tokens.RefreshToken);
    }

    [Fact]
    public async Task The_address_of_a_login_holds_what_the_specifications_want()
    {
        await using var session = await StubSession.StartAsync(
            change: s => s with { Scopes = ["profile", "groups", "offline_access", "a b&c"] });

        var url = await session.Client.AuthorizationUrlAsync(
            new AuthorizationRequest("http://localhost/cb?x=1&y", "s t", "n", session.Attempt.CodeChallenge), default);

        var query = HttpUtility.ParseQueryString(url.Query);
        Assert.Equal(session.Idp.Issuer + "/authorize", url.GetLeftPart(UriPartial.Path));
        Assert.Equal(
            ["client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri", "response_type", "scope", "state"],
            query.AllKeys.Order());
        Assert.Equal(("code", "S256", "s t"), (query["response_type"], query["code_challenge_method"], query["state"]));
        Assert.Equal("http://localhost/cb?x=1&y", query["redirect_uri"]);
        Assert.Equal(43, query["code_challenge"]!.Length);

        // What the IdP does not know is not asked for.
        Assert.Equal("openid profile offline_access", query["scope"]);
    }

    [Fact]
    public async Task A_code_of_another_verifier_or_address_gives_nothing()
    {
        await using var session = await StubSession.StartAsync();
        var code = (await session.AuthorizeAsync())["code"]!;

        var stolen = await session.Client.ExchangeCodeAsync(
            code, StubSession.RedirectUri, session.Attempt with { CodeVerifier = "of-somebody-else" }, StubSession.Patience, default);

        Assert.Equal(new ProviderAnswer.Refused("invalid_grant"), Assert.IsType<CodeExchange.Failed>(stolen).Answer);
        Assert.Equal(1, session.Idp.Log.Count(StubEndpoint.Token));
    }

    [Fact]
    public async Task An_ID_token_of_another_login_is_refused_without_asking_userinfo()
    {
        await using var session = await StubSession.StartAsync();
        var code = (await session.AuthorizeAsync())["code"]!;

        var exchange = await session.Client.ExchangeCodeAsync(
            code, StubSession.RedirectUri, session.Attempt with { Nonce = "nonce-2" }, StubSession.Patience, default);

        Assert.Equal("nonce", Assert.IsType<CodeExchange.IdTokenRefused>(exchange).Rule);
        Assert.Equal(0, session.Idp.Log.Count(StubEndpoint.UserInfo));
    }

    [Fact]
    public async Task A_key_rotated_between_two_logins_or_just_before_signing_does_not_matter()
    {
        await using var session = await StubSession.StartAsync();
        await session.TokensAsync();

        session.Idp.RotateKeys(keepOld: false);

        await session.TokensAsync();
        Assert.Equal(2, session.Idp.Log.Count(StubEndpoint.Keys));
    }

    [Fact]
    public async Task A_refresh_rotates_and_using_the_old_token_again_kills_the_new_one()
    {
        await using var session = await StubSession.StartAsync();
        var first = await session.TokensAsync();
        session.Idp.Change(new StubUser("alice") { Groups = [] });

        var second = Assert.IsType<RefreshResult.Renewed>(await session.RefreshAsync(first.RefreshToken));
        var replay = await session.RefreshAsync(first.RefreshToken);
        var afterwards = await session.RefreshAsync(second.Tokens.RefreshToken);

        Assert.NotEqual(first.RefreshToken, second.Tokens.RefreshToken);
        Assert.Empty(second.Claims!.Groups!);
        Assert.Null(second.Claims.Email);
        Assert.Equal(new ProviderAnswer.Refused("invalid_grant"), replay.Answer);
        Assert.Equal(new ProviderAnswer.Refused("invalid_grant"), afterwards.Answer);
    }

    [Fact]
    public async Task Where_the_IdP_does_not_rotate_the_refresh_token_stays()
    {
        await using var session = await StubSession.StartAsync(new StubOptions { RotatesRefreshTokens = false });
        var first = await session.TokensAsync();

        var second = Assert.IsType<RefreshResult.Renewed>(await session.RefreshAsync(first.RefreshToken));

        Assert.Equal(first.RefreshToken, second.Tokens.RefreshToken);
    }

    [Fact]
    public async Task Userinfo_speaks_while_the_access_token_lives()
    {
        await using var session = await StubSession.StartAsync();
        var tokens = await session.TokensAsync();

        Assert.Equal("Alice", Assert.IsType<UserInfoResult.Told>(await AskAsync(afterRefresh: false)).Claims.Name);
        session.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(new ProviderAnswer.AccessTokenRefused(), (await AskAsync(afterRefresh: false)).Answer);
        Assert.Equal(new ProviderAnswer.Refused("userinfo_401"), (await AskAsync(afterRefresh: true)).Answer);
        Assert.Equal(0, session.Idp.Log.Grants("refresh_token"));

        Task<UserInfoResult> AskAsync(bool afterRefresh) =>
            session.Client.UserInfoAsync(tokens.AccessToken, "alice", afterRefresh, StubSession.Patience, default);
    }

    [Fact]
    public async Task The_access_token_is_sent_in_the_header_only()
    {
        await using var session = await StubSession.StartAsync();
        var tokens = await session.TokensAsync();

        await session.Client.UserInfoAsync(tokens.AccessToken, "alice", afterRefresh: false, StubSession.Patience, default);

        var request = session.Idp.Log.All.Single(r => r.Endpoint == StubEndpoint.UserInfo);
        Assert.Equal($"Bearer {tokens.AccessToken}", request.Authorization);
        Assert.Empty(request.Parameters);
    }

    [Theory]
    [InlineData("stub-secret")]
    [InlineData("a:b%20+ c/&=é漢")]
    public async Task A_secret_is_sent_encoded_in_the_header(string secret)
    {
        await using var session = await StubSession.StartAsync(new StubOptions { ClientId = "client:1", ClientSecret = secret });

        await session.TokensAsync();

        var request = session.Idp.Log.All.Single(r => r.Endpoint == StubEndpoint.Token);
        Assert.StartsWith("Basic ", request.Authorization, StringComparison.Ordinal);
        Assert.DoesNotContain("client_secret", request.Parameters.Keys);
    }

    [Fact]
    public async Task An_IdP_that_wants_the_secret_in_the_body_gets_it_there()
    {
        await using var session = await StubSession.StartAsync(new StubOptions { AuthenticationMethods = ["client_secret_post"] });

        await session.TokensAsync();

        Assert.Null(session.Idp.Log.All.Single(r => r.Endpoint == StubEndpoint.Token).Authorization);
    }

    [Fact]
    public async Task A_revoked_refresh_token_is_dead_and_revoking_is_best_effort()
    {
        await using var session = await StubSession.StartAsync();
        var tokens = await session.TokensAsync();

        Assert.True(await session.Client.RevokeAsync(tokens.RefreshToken!, "refresh_token", StubSession.Patience, default));
        Assert.Equal(new ProviderAnswer.Refused("invalid_grant"), (await session.RefreshAsync(tokens.RefreshToken)).Answer);

        session.Idp.Always(StubEndpoint.Revoke, StubAnswer.Empty(503));
        Assert.False(await session.Client.RevokeAsync(tokens.RefreshToken!, "refresh_token", StubSession.Patience, default));
    }

    [Fact]
    public async Task Signing_out_at_the_IdP_names_the_session_and_the_way_back()
    {
        await using var session = await StubSession.StartAsync();

        var url = await session.Client.EndSessionUrlAsync("hint", "http://localhost/out?a=b", "s&t", default);

        var query = HttpUtility.ParseQueryString(url!.Query);
        Assert.Equal(session.Idp.Issuer + "/end-session", url.GetLeftPart(UriPartial.Path));
        Assert.Equal(("hint", "http://localhost/out?a=b", "s&t"), (query["id_token_hint"], query["post_logout_redirect_uri"], query["state"]));
        Assert.Equal("eventauth", query["client_id"]);
    }

    [Fact]
    public async Task Without_the_IdP_a_login_and_a_sign_out_know_that_it_is_away()
    {
        await using var session = await StubSession.StartAsync();
        session.Idp.Always(StubEndpoint.Discovery, StubAnswer.Empty(503));

        await Assert.ThrowsAsync<ProviderUnavailableException>(() => session.AuthorizeAsync());
        Assert.Null(await session.Client.EndSessionUrlAsync("hint", null, null, default));
        Assert.Equal("http_503", (await session.RefreshAsync("rt")).Answer.Error);
        Assert.Equal(0, session.Idp.Log.Count(StubEndpoint.Token));
    }

    [Fact]
    public async Task A_logout_token_is_checked_by_the_keys_of_the_issuer_that_it_names()
    {
        await using var ours = await StubSession.StartAsync();
        await using var other = await StubSession.StartAsync();

        var good = await ours.Directory.CheckLogoutTokenAsync(ours.Idp.LogoutToken("alice", "sid-1"), default);
        var unknown = await ours.Directory.CheckLogoutTokenAsync(other.Idp.LogoutToken("alice", "sid-1"), default);
        var mixedUp = await ours.Directory.CheckLogoutTokenAsync(
            other.Idp.LogoutToken("alice", "sid-1", c => c["iss"] = ours.Idp.Issuer), default);

        Assert.Equal(ours.Idp.Issuer, Assert.IsType<LogoutTokenCheck.Accepted>(good).Issuer);
        Assert.Equal("iss", Assert.IsType<LogoutTokenCheck.Refused>(unknown).Rule);
        Assert.Equal("signature", Assert.IsType<LogoutTokenCheck.Refused>(mixedUp).Rule);
    }

    [Fact]
    public void Tokens_are_not_shown_in_text()
    {
        var text = $"{new TokenSet("at-secret", "rt-secret", "id-secret", FixedIdp.Noon)} {new RefreshResult.Renewed(new TokenSet("at-secret", null, null, FixedIdp.Noon), MappedClaims.Nothing)}";

        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
    }
}
