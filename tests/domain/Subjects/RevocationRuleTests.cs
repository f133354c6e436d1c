using EventAuth.Contracts;
using EventAuth.Domain.Subjects;

namespace EventAuth.Domain.Tests.Subjects;

public sealed class RevocationRuleTests
{
    [Theory]
    [InlineData(5, 4, true)]    // began before
    [InlineData(5, 5, false)]   // began right after: the login saw position 5
    [InlineData(5, 9, false)]   // began later: replaying an old logout must not end it
    [InlineData(0, 0, false)]   // never revoked
    public void A_revocation_hits_what_began_before_it(long revokedAt, long startedAt, bool hit) =>
        Assert.Equal(hit, RevocationRule.Ends(revokedAt, startedAt));

    // A newer version may write kinds that this one does not know: skipping them would let a revoked session live.
    [Fact]
    public void A_kind_that_is_not_known_revokes() => Assert.True(RevocationRule.Revokes((RevocationKind)99));

    [Fact]
    public void A_change_is_no_revocation() => Assert.False(RevocationRule.Revokes(RevocationKind.Changed));
}
