using System.Net.Sockets;
using EventAuth.Adapters.Sessions;
using Npgsql;

namespace EventAuth.Adapters.Postgres;

/// <summary>Tells apart what a database error means, by SQLSTATE and constraint name only.</summary>
public static class PostgresErrors
{
    private static readonly HashSet<string> ConflictConstraints =
        ["pk_mt_events_stream_and_version", "pkey_mt_streams_id"];

    // On a link that has gone silent the library's own time-out takes twice as long: it then tries to cancel the statement
    // on a connection that it cannot make, or holds up the caller's own thread while it looks whether an idle connection still
    // lives. Nobody waits for that: the call has a thread of its own and ends by itself behind our back.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2.2);

    /// <summary>
    /// Runs a call, for 2.2 s at most, and turns the library's exceptions into ours. After that time nobody knows whether what the
    /// call wanted will still happen: whoever writes must stand a second try.
    /// </summary>
    public static Task<T> MapAsync<T>(string stream, Func<Task<T>> call, CancellationToken ct) => MapAsync(stream, call, Limit, ct);

    /// <param name="limit">Whoever waits longer hears that the store is away; the call itself has limits of its own.</param>
    public static async Task<T> MapAsync<T>(string stream, Func<Task<T>> call, TimeSpan limit, CancellationToken ct)
    {
        try
        {
            return await Task.Run(call, CancellationToken.None).WaitAsync(limit, TimeProvider.System, CancellationToken.None);
        }
        catch (PostgresException e) when (IsConflict(e))
        {
            throw new StreamConflictException(stream, e);
        }
        catch (PostgresException e) when (e.SqlState == "EA410")
        {
            throw new LoginOvertakenException();
        }
        catch (PostgresException e) when (e.SqlState == "EA400")
        {
            throw new TokenIdReusedException();
        }
        catch (Exception e) when (IsUnavailable(e))
        {
            // Our time-out and the caller's limit can meet: whoever has given up hears that, never a library's exception.
            ct.ThrowIfCancellationRequested();
            throw new StoreUnavailableException(e);
        }
    }

    /// <summary>Whether the store is away, as opposed to a defect of ours.</summary>
    public static bool IsUnavailable(Exception error) => error switch
    {
        StoreUnavailableException => true,
        PostgresException e => IsUnavailable(e.SqlState),
        NpgsqlException or TimeoutException or SocketException or IOException => true,
        // Npgsql throws this when a connection of the pool was closed under it.
        ObjectDisposedException or InvalidOperationException { InnerException: NpgsqlException } => true,
        _ => false,
    };

    /// <summary>Whether an open connection turned out to be dead, as opposed to a server that does not answer.</summary>
    public static bool IsBroken(Exception? error) =>
        error is NpgsqlException { InnerException: IOException or SocketException }
            or PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown };

    // 08: connection; 53: resources; 57P: shutdown or crash; 57014: cancelled by our time limit; 55P03: lock not had
    // in time; 25006: read-only (a standby); 58: system error; 42P01, 42883, 3F000: the tables are not there yet.
    private static bool IsUnavailable(string state) =>
        state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("53", StringComparison.Ordinal)
        || state.StartsWith("57P", StringComparison.Ordinal) || state.StartsWith("58", StringComparison.Ordinal)
        || state is "57014" or "55P03" or "25006" or "25P03" or "42P01" or "42883" or "3F000";

    private static bool IsConflict(PostgresException e) => e.SqlState switch
    {
        "EA409" or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure => true,
        PostgresErrorCodes.UniqueViolation => e.ConstraintName is { } name && ConflictConstraints.Contains(name),
        _ => false,
    };
}
