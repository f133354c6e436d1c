using Microsoft.Extensions.Logging;

namespace EventAuth.Adapters.Hosting;

internal static partial class HostingLog
{
    [LoggerMessage(2, LogLevel.Warning, "started with EVENTAUTH_TESTING=1: failpoints can stop, delay or kill this process. Not for production")]
    public static partial void UnderTest(this ILogger logger);

    [LoggerMessage(3, LogLevel.Warning, "The clock of this machine differs by {Seconds:F1} s from the store's: sessions and tokens expire at the wrong time here")]
    public static partial void ClockIsOff(this ILogger logger, double seconds);

    [LoggerMessage(4, LogLevel.Information, "The clock of this machine agrees with the store's again ({Seconds:F1} s)")]
    public static partial void ClockIsRight(this ILogger logger, double seconds);

    [LoggerMessage(5, LogLevel.Warning,
        "The store can lose what it has acknowledged when it crashes (fsync {Fsync}, synchronous_commit {SynchronousCommit}): revocations too")]
    public static partial void NotDurable(this ILogger logger, string fsync, string synchronousCommit);
}
