using EventAuth.Adapters.Postgres;
using EventAuth.Gateway.Audit;

namespace EventAuth.Services.Tests.Gateway.Audit;

public sealed class RevocationProgressTests
{
    [Theory]
    [InlineData("none", new long[0])]
    [InlineData("none", new long[] { 6, 6 })]
    [InlineData("some", new long[] { 7, 6 })]
    [InlineData("all", new long[] { 7, 8 })]
    public void Only_replicas_that_are_there_have_applied_anything(string expected, long[] positions) => Assert.Equal(
        expected, RevocationProgress.Applied([.. positions.Select(p => new ReplicaRow($"gateway-{p}", p, default, default))], position: 7));
}
