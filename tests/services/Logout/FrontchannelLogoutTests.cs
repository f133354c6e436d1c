using System.Net;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Logout;

/// <summary>OpenID Connect Front-Channel Logout 1.0: what a frame on the IdP's page may do, and what it may not.</summary>
public sealed class FrontchannelLogoutTests(LiveStore store) : IClassFixture<LiveStore>, IAsyncLifetime
{
    private LogoutWorld _world = null!;

    private string Issuer => _world.Idp.Issuer;

    public async Task InitializeAsync() => _world = TestStore.IsConfigured
        ? await LogoutWorld.StartAsync(store, replicas: 2, settings: ("providers.0.frontchannelLogout", "true"))
        : null!;

    public async Task DisposeAsync()
    {
        if (_world is not null)
        {
            await _world.DisposeAsync();
        }
    }

    [StoreFact]
    public async Task Issuer_and_sid_of_a_session_end_it_and_the_record_says_how()
    {
        var alice = _world.Person("front");
        var session = await store.IssueAsync(alice, "sid-front-1");
        var other = await store.IssueAsync(alice, "sid-front-2");

        await AssertOverAsync(await _world.FrameAsync(Issuer, "sid-front-1"));

        Assert.True(await store.IsOverAsync(session));
        Assert.False(await store.IsOverAsync(other));
        var revoked = Assert.Single(await store.RevocationsOfAsync(alice));
        Assert.Equal((EndReason.FrontchannelLogout, "frontchannel", "sid-front-1", "front"),
            (revoked.Reason, revoked.Source, revoked.Sid, revoked.Sub));
        await Until.TrueAsync("the session's own stream says so", async () => await store.SessionAsync(session) is Session.Ended);
        var (first, last) = (Assert.Single(await store.StreamAsync($"subject-{alice.Key}")), (await store.StreamAsync($"session-{session}"))[^1]);
        Assert.Equal(EndReason.FrontchannelLogout, ((SessionEnded)last.Event).Reason);
        Assert.Equal((first.Id.ToString(), first.CorrelationId), (last.CausationId, last.CorrelationId));
        Assert.Equal(1, await _world.CountedAsync("eventauth_frontchannel_logouts_total", "ended"));
    }

    // A sid shows in addresses, logs and histories. Taken alone it would let whoever saw one sign people out at any IdP.
    [StoreTheory]
    [InlineData("")]
    [InlineData("?")]
    [InlineData("?sid={1}")]
    [InlineData("?iss={0}")]
    [InlineData("?iss=&sid={1}")]
    [InlineData("?iss={0}&sid=")]
    [InlineData("?iss={0}&sid={1}&sid={1}")]
    [InlineData("?iss={0}&sid={1}&SID=x")]
    [InlineData("?iss={0}&iss={0}&sid={1}")]
    [InlineData("?iss=https://evil.example&iss={0}&sid={1}")]
    [InlineData("?iss={0};sid={1}")]
    public async Task What_is_not_one_issuer_and_one_sid_is_refused_without_effect(string query)
    {
        var sid = $"sid-{Guid.CreateVersion7():N}";
        var session = await store.IssueAsync(_world.Person("strict"), sid);
        using var answer = await _world.FrameAsync(string.Format(null, query, Uri.EscapeDataString(Issuer), sid));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        AssertProtected(answer, "'none'");
        Assert.False(await store.IsOverAsync(session));
    }

    [StoreFact]
    public async Task An_address_without_end_is_refused()
    {
        using var answer = await _world.FrameAsync($"?iss={Issuer}&sid={new string('a', 256)}");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        using var longer = await _world.FrameAsync($"?iss={Issuer}&sid=a&x={new string('a', 9_000)}");
        Assert.Equal(HttpStatusCode.BadRequest, longer.StatusCode);
    }

    // Nobody proved anything: a mark for what is not known would let anybody fill the store, or spoil logins to come.
    [StoreFact]
    public async Task What_is_not_known_gets_the_same_page_and_leaves_nothing_behind()
    {
        var page = await AssertOverAsync(await _world.FrameAsync(Issuer, await LiveSidAsync()));
        await store.SweptAsync();
        var (rows, head) = (await store.RowsAsync(), await store.HeadAsync());

        Assert.Equal(page, await AssertOverAsync(await _world.FrameAsync(Issuer, "sid-nobody")));
        Assert.Equal(page, await AssertOverAsync(await _world.FrameAsync("https://unknown.example", "sid-nobody"), "'none'"));
        Assert.Equal(page, await AssertOverAsync(await _world.FrameAsync(Issuer + "/", "sid-nobody"), "'none'"));
        Assert.Equal(page, await AssertOverAsync(await _world.FrameAsync(Issuer, "'; drop table session; --\0"), null));

        Assert.Equal((rows, head), (await store.RowsAsync(), await store.HeadAsync()));
        var later = await store.IssueAsync(_world.Person("nobody-yet"), "sid-nobody", position: head);
        Assert.False(await store.IsOverAsync(later));
    }

    [StoreFact]
    public async Task A_sid_of_another_issuer_is_not_known()
    {
        var other = await store.IssueAsync(new Subject("https://other.example", "front-other"), "sid-shared");
        await AssertOverAsync(await _world.FrameAsync(Issuer, "sid-shared"));
        await AssertOverAsync(await _world.FrameAsync("https://other.example", "sid-shared"), "'none'");
        Assert.False(await store.IsOverAsync(other));
    }

    [StoreFact]
    public async Task What_is_over_already_is_not_ended_again()
    {
        var sid = await LiveSidAsync();
        await AssertOverAsync(await _world.FrameAsync(Issuer, sid));
        var expired = await store.IssueAsync(_world.Person("front-expired"), "sid-expired",
            now: TimeProvider.System.GetUtcNow() - TimeSpan.FromHours(2), lifetime: TimeSpan.FromHours(1));
        var head = await store.HeadAsync();

        await AssertOverAsync(await _world.FrameAsync(Issuer, sid, replica: 1));
        await AssertOverAsync(await _world.FrameAsync(Issuer, "sid-expired"));

        Assert.Equal(head, await store.HeadAsync());
        Assert.NotNull(expired.ToString());
    }

    [StoreFact]
    public async Task Fifty_frames_at_once_over_two_replicas_make_one_event()
    {
        var session = await store.IssueAsync(_world.Person("front-fifty"), "sid-fifty");
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => _world.FrameAsync(Issuer, "sid-fifty", i % 2)));
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.StatusCode));
        Assert.True(await store.IsOverAsync(session));
        Assert.Single(await store.RevocationsOfAsync(_world.Person("front-fifty")));
    }

    // The IdP's session outlives ours, so its sid comes again with the next sign-in.
    [StoreFact]
    public async Task Whoever_signs_in_again_under_the_same_sid_lives_and_can_be_signed_out_again()
    {
        var person = _world.Person("front-again");
        await store.IssueAsync(person, "sid-again");
        await AssertOverAsync(await _world.FrameAsync(Issuer, "sid-again"));
        var later = await store.IssueAsync(person, "sid-again");
        Assert.False(await store.IsOverAsync(later));

        await AssertOverAsync(await _world.FrameAsync(Issuer, "sid-again"));

        Assert.True(await store.IsOverAsync(later));
        Assert.Equal(2, (await store.RevocationsOfAsync(person)).Count);
    }

    [StoreTheory]
    [InlineData("POST")]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    public async Task Only_GET_is_a_logout(string method)
    {
        var sid = await LiveSidAsync();
        var head = await store.HeadAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method),
            new Uri(_world.Webhooks[0], $"/frontchannel-logout?iss={Uri.EscapeDataString(Issuer)}&sid={sid}"));
        using var answer = await _world.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(["GET"], answer.Content.Headers.Allow);
        Assert.Equal(head, await store.HeadAsync());
    }

    // Reflected text on a page that the IdP's page shows would be a script on neither's behalf.
    [StoreFact]
    public async Task Nothing_of_the_request_comes_back()
    {
        var page = await AssertOverAsync(await _world.FrameAsync(Issuer, "<script>alert(1)</script>\r\nSet-Cookie: a=b"));
        Assert.DoesNotContain("script", page, StringComparison.OrdinalIgnoreCase);
        Assert.InRange(page.Length, 1, 300);
    }

    private async Task<string> LiveSidAsync()
    {
        var sid = $"sid-{Guid.CreateVersion7():N}";
        await store.IssueAsync(_world.Person("front-live"), sid);
        return sid;
    }

    private async Task<string> AssertOverAsync(HttpResponseMessage answer, string? framedBy = null)
    {
        using (answer)
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            AssertProtected(answer, framedBy ?? Issuer);
            return await answer.Content.ReadAsStringAsync();
        }
    }

    private static void AssertProtected(HttpResponseMessage answer, string framedBy)
    {
        LogoutWorld.AssertHeaders(answer);
        Assert.Equal("text/html", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal($"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {framedBy}",
            answer.Headers.GetValues("Content-Security-Policy").Single());
        Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
        Assert.False(answer.Headers.Contains("X-Frame-Options"));
    }
}
