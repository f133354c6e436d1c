using System.Text.Json;
using EventAuth.Contracts;
using Messages = EventAuth.Contracts.Messages;

namespace EventAuth.Domain.Tests;

/// <summary>What is stored or sent is a promise: each kind has its golden file. A changed file needs a way to read the old shape.</summary>
public sealed class StoredShapeTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid Key = Guid.Parse("00112233445566778899aabbccddeeff");
    private static readonly string Folder = Path.Combine(Tree.Root, "tests/domain/golden");

    public static readonly TheoryData<string, object> Stored = new()
    {
        { "session_issued", new SessionIssued("https://idp.test", "ada", "sid-1", "gateway", ["staff"], ["user"], 7, Noon, Noon.AddHours(8), Noon.AddMinutes(5), true) },
        { "session_refreshed", new SessionRefreshed(2, Noon, Noon.AddMinutes(5), true, "gateway") },
        { "session_refresh_failed", new SessionRefreshFailed(2, Noon, "unavailable", "timeout", "revalidator") },
        { "session_claims_changed", new SessionClaimsChanged(Noon, ["staff"], []) },
        { "revalidation_skipped", new RevalidationSkipped(Noon, "timeout") },
        { "session_ended", new SessionEnded(Noon, EndReason.BackchannelLogout, "jti-1", null) },
        { "subject_revoked", new SubjectRevoked("https://idp.test", "ada", "sid-1", 8, Noon, EndReason.BackchannelLogout, "backchannel", "jti-1", null) },
        { "all_revoked", new AllRevoked(8, Noon, EndReason.EndedByOperator, "operator", "incident 7", Key.ToString("N")) },
        { "token_revoked", new TokenRevoked("https://idp.test", "at-1", 8, Noon, EndReason.EndedByOperator, "operator", "incident 7", Key.ToString("N")) },
        { "login_refused", new LoginRefused(Noon, "https://idp.test", "nonce", "a1b2c3d4") },
        { "policy_loaded", new PolicyLoaded(Noon, "abc", ["app.test/ authenticated"], new Dictionary<string, IReadOnlyList<string>> { ["staff"] = ["ada"] }) },
    };

    public static readonly TheoryData<string, object> Sent = new()
    {
        { "message_subject_revoked", new Messages.SubjectRevoked { Position = 8, Kind = RevocationKind.Subject, Key = Key, CommittedAt = Noon } },
        { "message_session_changed", new Messages.SessionChanged { Position = 9, SessionId = Key, CommittedAt = Noon } },
    };

    [Theory]
    [MemberData(nameof(Stored))]
    [MemberData(nameof(Sent))]
    public void Its_JSON_is_the_golden_file(string name, object value) =>
        Assert.Equal(File.ReadAllText(Path.Combine(Folder, name + ".json")).TrimEnd(), JsonSerializer.Serialize(value, value.GetType()));

    [Theory]
    [MemberData(nameof(Stored))]
    public void What_the_golden_file_holds_can_be_read_and_is_the_same_again(string name, object value)
    {
        var read = EventNames.FromJson(name, File.ReadAllText(Path.Combine(Folder, name + ".json")));

        Assert.Equal(value.GetType(), read.GetType());
        Assert.Equal(EventNames.ToJson(value), EventNames.ToJson(read));
    }

    [Fact]
    public void Every_stored_name_has_a_golden_file() =>
        Assert.Equal(EventNames.All.Order(), Stored.Select(row => (string)row[0]).Order());

    // Skipping an event in silence could mean skipping a revocation.
    [Fact]
    public void An_unknown_name_stops_the_reader() =>
        Assert.Throws<InvalidOperationException>(() => EventNames.FromJson("session_teleported", "{}"));

    [Fact]
    public void No_stored_member_is_called_like_a_secret_or_a_person()
    {
        var names = Stored.SelectMany(row => JsonDocument.Parse(EventNames.ToJson(row[1])).RootElement.EnumerateObject())
            .Select(p => p.Name.ToLowerInvariant());

        Assert.DoesNotContain(names, n => n is "email" or "name" or "token" or "cookie" or "code" or "secret" or "password");
    }
}
