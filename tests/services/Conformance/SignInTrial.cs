using System.Net;
using System.Text.RegularExpressions;
using EventAuth.Contracts;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;

namespace EventAuth.Services.Tests.Conformance;

/// <summary>
/// One attempt to sign in through the real gateway, and what came of it. "Refused" has one meaning everywhere: an error page,
/// no session cookie, no session in the store, the reason in the record under the id on the page, and no question to
/// the IdP after the answer that was wrong.
/// </summary>
internal sealed partial class SignInTrial
{
    private const string LivingSessions = "select count(*) from eventauth.session where ended_at is null";

    private readonly World _world;
    private readonly TestStore _store;
    private readonly string _sessions;
    private readonly int _tokens;
    private readonly int _userInfos;

    private SignInTrial(World world, TestStore store, string sessions)
    {
        (_world, _store, _sessions) = (world, store, sessions);
        (_tokens, _userInfos) = (world.Idp.Log.Grants("authorization_code"), world.Idp.Log.Count(StubEndpoint.UserInfo));
        Browser = world.NewBrowser();
    }

    public Browser Browser { get; }

    /// <summary>The last answer: the page of the application, or the error page.</summary>
    public HttpResponseMessage Answer { get; private set; } = new();

    /// <summary>Token requests with a code since the beginning.</summary>
    public int TokenRequests => _world.Idp.Log.Grants("authorization_code") - _tokens;

    public int UserInfoRequests => _world.Idp.Log.Count(StubEndpoint.UserInfo) - _userInfos;

    /// <param name="walk">How the browser goes; by default it opens a page and follows every redirect.</param>
    public static async Task<SignInTrial> RunAsync(World world, TestStore store, Func<Browser, Task<HttpResponseMessage>>? walk = null)
    {
        var trial = new SignInTrial(world, store, (await store.QueryAsync(LivingSessions))[0][0]);
        trial.Answer = walk is null ? await trial.Browser.OpenAsync("/x") : await walk(trial.Browser);
        return trial;
    }

    /// <summary>Signed in, by one question to each endpoint.</summary>
    public void Accepted()
    {
        Assert.Equal(HttpStatusCode.OK, Answer.StatusCode);
        Assert.Equal("alice", Answer.Headers.GetValues(IdentityHeaders.User).Single());
        Assert.Equal(43, Browser.SessionCookie!.Length);
        Assert.Equal(1, TokenRequests);
        Assert.Equal(1, UserInfoRequests);
    }

    /// <param name="reason">As it is in the record.</param>
    public async Task RefusedAsync(string reason, HttpStatusCode status = HttpStatusCode.BadRequest, int tokenRequests = 1, int userInfoRequests = 0)
    {
        var page = await Answer.Content.ReadAsStringAsync();
        Assert.True(Answer.StatusCode == status, $"{Answer.StatusCode}: {page}");
        Assert.Null(Browser.SessionCookie);
        Assert.Equal(tokenRequests, TokenRequests);
        Assert.Equal(userInfoRequests, UserInfoRequests);
        Assert.Equal(_sessions, (await _store.QueryAsync(LivingSessions))[0][0]);
        Assert.True(Answer.Headers.CacheControl?.NoStore, "the page may be kept");
        Assert.Equal(reason, await ReasonAsync(_store, page));
    }

    /// <summary>What is recorded under the incident of a page.</summary>
    public static async Task<string> ReasonAsync(TestStore store, string page)
    {
        var incident = Incident().Match(page).Groups[1].Value;
        var recorded = await store.QueryAsync(
            $"select data ->> 'reason' from eventauth_events.mt_events where stream_id = 'login-{incident}' and type = 'login_refused'");
        return Assert.Single(recorded)[0];
    }

    [GeneratedRegex("incident ([0-9a-f]{10})")]
    private static partial Regex Incident();
}

/// <summary>A gateway with its own IdP, at which alice signs in without a question.</summary>
public abstract class ConformanceFixture : WorldFixture
{
    public static readonly StubUser Alice = new("alice", "alice@example.test", "Alice") { Groups = ["staff"] };

    internal override async Task<World> StartAsync(TestStore store)
    {
        var world = await World.StartAsync(store);
        world.Idp.SignInAs(Alice);
        return world;
    }

    /// <summary>Signs in at an IdP that departs from the truth in one way, which ends with the attempt.</summary>
    internal async Task<SignInTrial> SignInAsync(Action<StubDeviations>? deviate = null, Func<Browser, Task<HttpResponseMessage>>? walk = null)
    {
        World.Idp.TellTheTruth();
        World.Idp.SignInAs(Alice);
        deviate?.Invoke(World.Idp.Deviations);
        var trial = await SignInTrial.RunAsync(World, Store, walk);
        World.Idp.TellTheTruth();
        return trial;
    }
}
