using EventAuth.Domain.Sessions;
using static EventAuth.Domain.Tests.Sessions.SessionSpec;

namespace EventAuth.Domain.Tests.Sessions;

public sealed class LastWordTests
{
    [Theory]
    [InlineData(null, 0)]     // no question is open
    [InlineData(30, 0)]       // asked within the interval: from when the IdP spoke
    [InlineData(60, 0)]
    [InlineData(600, 540)]    // nobody asked for ten minutes: a rest is no outage
    [InlineData(-600, 0)]     // an outage that ended before the IdP spoke
    public void It_counts_from(int? firstUnanswered, int expected) =>
        Assert.Equal(Noon.AddSeconds(expected), LastWord.CountsFrom(
            Noon, firstUnanswered is { } seconds ? Noon.AddSeconds(seconds) : null, TimeSpan.FromSeconds(60)));

    [Theory]
    [InlineData(76, 900, 900)]
    [InlineData(76, 30, 76)]    // never shorter than until an answer can be there
    [InlineData(76, 0, 76)]
    public void While_nobody_can_ask_it_counts_until(int answerDue, int allowed, int expected) =>
        Assert.Equal(Noon.AddSeconds(expected), LastWord.CountsUntil(Noon, Noon.AddSeconds(answerDue), TimeSpan.FromSeconds(allowed)));
}
