using EventAuth.Contracts;
using EventAuth.Domain.Sessions;
using EventAuth.Domain.Tests.Sessions;

namespace EventAuth.Domain.Tests;

/// <summary>What holds for every history, tried on thousands of seeded random ones.</summary>
public sealed class LawsTests
{
    [Fact]
    public void Whatever_is_asked_in_whatever_order_the_history_can_be_replayed_and_an_ended_session_stays_ended()
    {
        for (var seed = 1; seed <= 2000; seed++)
        {
            var luck = new Luck(seed);
            var history = new List<SessionEvent>();
            for (var step = 0; step < 30; step++)
            {
                var before = Session.Replay(history);
                var decision = SessionDecider.Decide(before, luck.Command(step));
                if (decision is not Decision.Accepted accepted)
                {
                    continue;
                }

                Assert.True(before is not Session.Ended || accepted.Events.Count == 0, $"seed {seed}: an ended session took an event");
                history.AddRange(accepted.Events);
            }

            Session.Replay(history);
        }
    }

    [Fact]
    public void The_same_command_twice_writes_nothing_the_second_time_except_a_refresh_which_is_refused()
    {
        for (var seed = 1; seed <= 2000; seed++)
        {
            var luck = new Luck(seed);
            SessionEvent[] history = [SessionSpec.Issued];
            var command = luck.Command(seed);
            if (SessionDecider.Decide(Session.Replay(history), command) is Decision.Accepted { Events.Count: > 0 } first)
            {
                var second = SessionDecider.Decide(Session.Replay([.. history, .. first.Events]), command);

                Assert.True(second is Decision.Refused or Decision.Accepted { Events.Count: 0 }, $"seed {seed}: {command.GetType().Name}");
            }
        }
    }

    /// <summary>Commands by a small generator of our own, so that a seed names a history for ever.</summary>
    private sealed class Luck(int seed)
    {
        private uint _state = (uint)seed * 2654435761u;

        public SessionCommand Command(int step)
        {
            var now = SessionSpec.Noon.AddSeconds(step);
            return (Next(8)) switch
            {
                0 => new SessionCommand.Issue(SessionSpec.Ada, null, "gateway", [], [], 1, now, TimeSpan.FromHours(1), now.AddMinutes(5), true),
                1 or 2 => new SessionCommand.Refresh(1 + Next(3), now, now.AddMinutes(5), Next(2) == 0, "gateway"),
                3 => new SessionCommand.FailRefresh(1 + Next(3), now, "unavailable", "timeout", "gateway"),
                4 => new SessionCommand.UpdateClaims(now, Next(2) == 0 ? null : ["a"], Next(2) == 0 ? null : ["r"]),
                5 => new SessionCommand.SkipRevalidation(now, now.AddMinutes(-1), "timeout"),
                6 when Next(4) == 0 => new SessionCommand.End((EndReason)Next(12), now, null, null),
                _ => new SessionCommand.Refresh(1, now, now.AddMinutes(5), true, "revalidator"),
            };
        }

        private int Next(int below)
        {
            _state ^= _state << 13;
            _state ^= _state >> 17;
            _state ^= _state << 5;
            return (int)(_state % (uint)below);
        }
    }
}
