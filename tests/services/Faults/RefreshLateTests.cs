using System.Net;
using EventAuth.Adapters.Messaging;
using EventAuth.Adapters.Oidc;
using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Adapters.Telemetry;
using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Services.Tests.Flows;
using EventAuth.Services.Tests.Harness;
using EventAuth.StubIdp;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventAuth.Services.Tests.Faults;

/// <summary>F22: whoever held the lease and comes back after it must do no harm. The IdP takes a used token once more where said so.</summary>
public sealed class RefreshLateTests
{
    private static readonly StubOptions Forgiving = new() { RetryWindow = TimeSpan.FromMinutes(1) };

    // A process stands still between lease and call for longer than the lease: its call would be the second one.
    [StoreFact]
    public async Task Who_wakes_up_after_the_lease_does_not_use_the_token_any_more()
    {
        await using var world = await RefreshWorld.StartAsync("lateclaim");
        var (browser, id) = await world.SignInAsync();
        var hold = world.HoldAt(0, Failpoints.RefreshAfterClaim);
        var late = world.RefreshAsync(0, id);
        await hold.ReachedAsync();
        Assert.IsType<RefreshOutcome.Renewed>(await world.RefreshAsync(1, id));

        hold.Release();

        Assert.IsType<RefreshOutcome.Renewed>(await late);
        Assert.Equal(1, world.Calls);
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync()).StatusCode);
    }

    // Most IdPs end the whole grant with a refresh token: revoking the late one would take the tokens that others stored with it.
    [StoreFact]
    public async Task Late_tokens_are_forgotten_and_revoked_without_harm_to_those_that_were_stored()
    {
        await using var world = await RefreshWorld.StartAsync("latestore", idp: Forgiving);
        var (_, id) = await world.SignInAsync();
        var hold = world.HoldAt(0, Failpoints.RefreshBeforeStore);
        var late = world.RefreshAsync(0, id);
        await hold.ReachedAsync();
        var renewed = Assert.IsType<RefreshOutcome.Renewed>(await world.RefreshAsync(1, id));
        Assert.NotNull(renewed.Tokens);

        hold.Release();

        Assert.Null(Assert.IsType<RefreshOutcome.Renewed>(await late).Tokens);
        await Until.TrueAsync("the IdP is told", () => world.Idp.Log.Count(StubEndpoint.Revoke) == 1);
        Assert.Equal("access_token", RevokedHint(world));
        Assert.Equal(2, world.Calls);
        Assert.IsType<RefreshOutcome.Renewed>(await world.RefreshAsync(0, id, version: 2));
        Assert.Empty(await world.EndReasonsAsync());
    }

    // A logout of the whole person is one event; the session's own stream learns of it a moment later. Tokens that are stored in
    // that moment would be deleted with the session and live on at the IdP.
    [StoreFact]
    public async Task Tokens_that_are_stored_between_a_revocation_and_the_end_in_the_stream_are_revoked_too()
    {
        await using var world = await RefreshWorld.StartAsync("afterrevocation");
        var (_, id) = await world.SignInAsync();
        var hold = world.HoldAt(0, Failpoints.RefreshBeforeStore);
        var late = world.RefreshAsync(0, id);
        await hold.ReachedAsync();
        await world.Of<Revocations>(1).RevokeSubjectAsync(
            new Subject(world.Idp.Issuer, "alice"), new RevocationCause(EndReason.EndedByOperator, "operator", "test", null, null), default);

        hold.Release();

        Assert.IsType<RefreshOutcome.Ended>(await late);
        await Until.TrueAsync("the IdP is told", () => world.Idp.Log.Count(StubEndpoint.Revoke) == 1);
        Assert.Equal("refresh_token", RevokedHint(world));
    }

    // Signed out while the IdP was writing new tokens: nothing brings the session back, and the tokens die at the IdP too.
    [StoreFact]
    public async Task Tokens_that_come_after_the_end_are_revoked_at_the_IdP_with_their_grant()
    {
        await using var world = await RefreshWorld.StartAsync("afterend");
        var (_, id) = await world.SignInAsync();
        var hold = world.HoldAt(0, Failpoints.RefreshBeforeStore);
        var late = world.RefreshAsync(0, id);
        await hold.ReachedAsync();
        await world.Of<SessionService>(1).ExecuteAsync(
            id, new SessionCommand.End(EndReason.SignedOut, TimeProvider.System.GetUtcNow(), null, null), new WriteContext(), default);

        hold.Release();

        Assert.Equal(EndReason.SignedOut, Assert.IsType<RefreshOutcome.Ended>(await late).Reason);
        await Until.TrueAsync("the IdP is told", () => world.Idp.Log.Count(StubEndpoint.Revoke) == 1);
        Assert.Equal("refresh_token", RevokedHint(world));
    }

    // The second holder's token was refused because the first, thawed, was still in time to store: that is no verdict.
    [StoreFact]
    public async Task A_refusal_of_a_token_that_has_a_stored_successor_ends_nothing()
    {
        await using var world = await RefreshWorld.StartAsync("laterefusal", idp: Forgiving);
        var (browser, id) = await world.SignInAsync();
        var (first, second) = (world.HoldAt(0, Failpoints.RefreshBeforeStore), world.HoldAt(1, Failpoints.RefreshAfterIdp));
        var early = world.RefreshAsync(0, id);
        await first.ReachedAsync();
        world.Idp.Script(StubEndpoint.Token, StubAnswer.Error("invalid_grant"));
        var late = world.RefreshAsync(1, id);
        await second.ReachedAsync();

        first.Release();
        Assert.NotNull(Assert.IsType<RefreshOutcome.Renewed>(await early).Tokens);
        second.Release();

        Assert.IsType<RefreshOutcome.Renewed>(await late);
        Assert.Empty(await world.EndReasonsAsync());
        Assert.Equal(HttpStatusCode.OK, (await browser.CallAsync(gateway: 1)).StatusCode);
    }

    // The store had taken the tokens in and its answer got lost: the next try found "renewed meanwhile" and revoked our own.
    [StoreFact]
    public async Task Who_cannot_know_whether_the_store_took_the_tokens_looks_before_revoking_them()
    {
        await using var world = await RefreshWorld.StartAsync("lostanswer");
        var (_, id) = await world.SignInAsync();
        var refresh = new RefreshSession(world.Of<TokenStore>(0), new SessionService(new LosesFirstAnswer(world.Of<IEventStore>(0))),
            world.Of<SessionIndex>(0), world.Of<TokenVault>(0), world.Of<ProviderDirectory>(0), new RefreshWaiters(), world.Of<ProviderHealth>(0),
            world.Of<OutboxSignal>(0), world.Of<Metrics>(0), world.Of<EventAuthSettings>(0), world.Of<Failpoints>(0), TimeProvider.System,
            NullLogger<RefreshSession>.Instance);

        var outcome = await refresh.RunAsync(id, 1, RefreshCaller.Gateway);

        Assert.NotNull(Assert.IsType<RefreshOutcome.Renewed>(outcome).Tokens);
        Assert.IsType<RefreshOutcome.Renewed>(await world.RefreshAsync(1, id, version: 2));
        Assert.Equal(0, world.Idp.Log.Count(StubEndpoint.Revoke));
    }

    // The store had given the lease and its answer got lost. Who asks again is the same flight: another one of the same gateway
    // cannot know whether the token was used, and would use it twice.
    [StoreFact]
    public async Task A_flight_whose_claim_got_no_answer_claims_again_and_every_other_flight_waits()
    {
        await using var world = await RefreshWorld.StartAsync("ownlease");
        var (_, id) = await world.SignInAsync();
        var (tokens, lasts) = (world.Of<TokenStore>(0), TimeSpan.FromSeconds(60));
        var mine = new TokenLease(id, 1, "gateway/flight 1");

        Assert.IsType<Claim.Won>(await tokens.ClaimAsync(mine, lasts, null, default));
        Assert.IsType<Claim.Won>(await tokens.ClaimAsync(mine, lasts, null, default));
        Assert.IsType<Claim.Busy>(await tokens.ClaimAsync(mine with { Owner = "gateway/flight 2" }, lasts, null, default));
    }

    // A deployment stops gateways in the middle of refreshes that no request waits for; the IdP has rotated the token by then.
    [StoreFact]
    public async Task A_gateway_that_is_told_to_stop_finishes_its_refreshes_first()
    {
        await using var world = await RefreshWorld.StartAsync("stopping");
        var (_, id) = await world.SignInAsync();
        var answered = new TaskCompletionSource();
        world.Of<Failpoints>(0).Set(Failpoints.RefreshAfterIdp, () => answered.Task);
        var flight = world.RefreshAsync(0, id);
        await Until.TrueAsync("the IdP has answered", () => world.Calls == 1);

        var stopping = world.Of<IEnumerable<IHostedService>>(0).OfType<FinishRefreshes>().Single().StopAsync(CancellationToken.None);

        Assert.False(stopping.IsCompleted);
        answered.SetResult();
        await stopping.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.IsType<RefreshOutcome.Renewed>(await flight.WaitAsync(TimeSpan.FromSeconds(1)));
    }

    // An operator has deleted the tokens to force logins: it was asked for them in a loop without a pause.
    [StoreFact]
    public async Task A_session_whose_tokens_are_gone_has_no_refresh_token()
    {
        await using var world = await RefreshWorld.StartAsync("gone");
        var (_, id) = await world.SignInAsync();
        await world.Store.ExecuteAsync("delete from eventauth.session_token");

        Assert.IsType<RefreshOutcome.NoRefreshToken>(await world.RefreshAsync(0, id).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(0, world.Calls);
    }

    private static string RevokedHint(RefreshWorld world) =>
        world.Idp.Log.All.Single(r => r.Endpoint == StubEndpoint.Revoke).Parameters["token_type_hint"];

    /// <summary>Appends, and says once that it could not.</summary>
    private sealed class LosesFirstAnswer(IEventStore store) : IEventStore
    {
        private bool _lost;

        public Task<StreamSlice> LoadAsync(SessionId id, CancellationToken ct) => store.LoadAsync(id, ct);

        public async Task AppendAsync(SessionWrite write, CancellationToken ct)
        {
            await store.AppendAsync(write, ct);
            if (!_lost)
            {
                _lost = true;
                throw new StoreUnavailableException(new TimeoutException("the answer got lost"));
            }
        }

        public Task<RevocationReceipt> RevokeAsync(RevocationWrite write, CancellationToken ct) => store.RevokeAsync(write, ct);

        public Task RecordAsync(string stream, string streamType, SubjectEvent @event, string? correlationId, CancellationToken ct) =>
            store.RecordAsync(stream, streamType, @event, correlationId, ct);
    }
}
