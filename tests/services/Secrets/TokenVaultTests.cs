using System.Security.Cryptography;
using EventAuth.Adapters.Secrets;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;

namespace EventAuth.Services.Tests.Secrets;

public sealed class TokenVaultTests
{
    private static readonly TokenKeySettings Old = new("k1", SHA256.HashData("old"u8));
    private static readonly TokenKeySettings New = new("k2", SHA256.HashData("new"u8));
    private static readonly SessionId Session = new(Guid.Parse("00112233445566778899aabbccddeeff"));
    private static readonly SessionTokens Tokens = new("access", "refresh", "id");

    [Fact]
    public void What_was_sealed_opens_again() => Assert.Equal(Tokens, SessionTokens.Open(Vault(Old), Tokens.Seal(Vault(Old), Session), Session));

    [Fact]
    public void After_a_rotation_old_secrets_open_and_new_ones_are_written_with_the_new_key()
    {
        var before = Tokens.Seal(Vault(Old), Session);
        var rotated = Vault(New, Old);

        Assert.Equal(Tokens, SessionTokens.Open(rotated, before, Session));
        Assert.Equal("k2", Tokens.Seal(rotated, Session).KeyId);
    }

    [Fact]
    public void A_key_that_left_the_ring_is_named() =>
        Assert.Contains("k1", Assert.Throws<SealBrokenException>(
            () => SessionTokens.Open(Vault(New), Tokens.Seal(Vault(Old), Session), Session)).Message, StringComparison.Ordinal);

    // Whoever can write to the database copies another person's tokens into their own row.
    [Fact]
    public void A_secret_moved_to_another_session_does_not_open()
    {
        var sealedTokens = Tokens.Seal(Vault(Old), Session);

        Assert.Throws<SealBrokenException>(() => SessionTokens.Open(Vault(Old), sealedTokens, new SessionId(Guid.Empty)));
    }

    [Fact]
    public void No_changed_bit_goes_unnoticed()
    {
        var secret = Tokens.Seal(Vault(Old), Session);
        for (var i = 0; i < secret.Bytes.Length; i++)
        {
            var bytes = secret.Bytes.ToArray();
            bytes[i] ^= 1;
            Assert.Throws<SealBrokenException>(() => SessionTokens.Open(Vault(Old), secret with { Bytes = bytes }, Session));
        }

        Assert.Throws<SealBrokenException>(() => SessionTokens.Open(Vault(Old), secret with { Bytes = [1, 2, 3] }, Session));
    }

    [Fact]
    public void The_same_tokens_never_look_the_same() =>
        Assert.NotEqual(Tokens.Seal(Vault(Old), Session).Bytes, Tokens.Seal(Vault(Old), Session).Bytes);

    [Fact]
    public void Tokens_do_not_print_themselves() => Assert.DoesNotContain("refresh", $"{Tokens}", StringComparison.Ordinal);

    [Fact]
    public void A_pseudonym_is_the_same_for_the_same_person_and_tells_nothing_without_the_key()
    {
        Assert.Equal(Vault(Old).Pseudonym("Bob@Example.test"), Vault(Old).Pseudonym("bob@example.test"));
        Assert.NotEqual(Vault(Old).Pseudonym("bob@example.test"), Vault(New).Pseudonym("bob@example.test"));
        Assert.DoesNotContain("bob", Vault(Old).Pseudonym("bob@example.test"), StringComparison.Ordinal);
    }

    private static TokenVault Vault(params TokenKeySettings[] keys) => new(keys);
}
