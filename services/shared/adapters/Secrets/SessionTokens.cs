using System.Text.Json;
using System.Text.Json.Serialization;
using EventAuth.Contracts;

namespace EventAuth.Adapters.Secrets;

/// <summary>The IdP's tokens of one session. Never printed, never stored but sealed.</summary>
public sealed record SessionTokens(
    [property: JsonPropertyName("a")] string AccessToken,
    [property: JsonPropertyName("r")] string? RefreshToken,
    [property: JsonPropertyName("i")] string? IdToken)
{
    private const string Purpose = "session-token";

    public SealedSecret Seal(TokenVault vault, SessionId id) =>
        vault.Seal(JsonSerializer.SerializeToUtf8Bytes(this), Purpose, id.Value);

    /// <exception cref="SealBrokenException">See <see cref="TokenVault.Open"/>.</exception>
    public static SessionTokens Open(TokenVault vault, SealedSecret secret, SessionId id) =>
        JsonSerializer.Deserialize<SessionTokens>(vault.Open(secret, Purpose, id.Value))
        ?? throw new SealBrokenException("sealed tokens hold JSON null");

    /// <inheritdoc />
    public override string ToString() => $"{nameof(SessionTokens)} (sealed)";
}
