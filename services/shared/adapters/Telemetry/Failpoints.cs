using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace EventAuth.Adapters.Telemetry;

/// <summary>
/// Places in the code at which a test may kill the process, fail or wait: one at each arrow of the sequence from a logout to
/// the last gateway, of a login and of a refresh. Alive only when <c>EVENTAUTH_TESTING=1</c>; otherwise reaching one does nothing.
/// <c>EVENTAUTH_FAILPOINTS</c> is a list <c>NAME[@N]:ACTION</c>, separated by commas, where ACTION is <c>exit</c> (as kill -9
/// does), <c>throw</c> or <c>delay=MILLISECONDS</c>; with <c>@N</c> only the Nth time, otherwise each time.
/// </summary>
public sealed class Failpoints
{
    public const string WebhookReceived = "webhook.recv";
    public const string WebhookValidated = "webhook.validated";
    public const string WebhookBeforeAppend = "webhook.before-append";
    public const string WebhookAfterAppend = "webhook.after-append";
    public const string WebhookAfterAnswer = "webhook.after-answer";
    public const string RelayBeforePublish = "relay.before-publish";
    public const string RelayBeforeConfirm = "relay.after-publish-before-confirm";
    public const string RelayBeforeMark = "relay.after-confirm-before-mark";
    public const string LoginAfterToken = "login.after-token";
    public const string LoginBeforeCookie = "login.after-append-before-cookie";
    public const string LoginAfterCookie = "login.after-cookie";
    public const string FeedBeforeRead = "feed.before-read";
    public const string FeedBeforeApply = "feed.after-read-before-apply";
    public const string FeedWhileApplying = "feed.while-applying";
    public const string BeforeConsume = "consumer.before-consume";
    public const string FillBeforeKeep = "fill.after-read-before-keep";
    public const string RefreshAfterClaim = "refresh.after-claim";
    public const string RefreshAfterIdp = "refresh.after-idp";
    public const string RefreshBeforeStore = "refresh.before-store";

    /// <summary>All names.</summary>
    public static readonly IReadOnlySet<string> Names = new HashSet<string>
    {
        WebhookReceived, WebhookValidated, WebhookBeforeAppend, WebhookAfterAppend, WebhookAfterAnswer, RelayBeforePublish,
        RelayBeforeConfirm, RelayBeforeMark, LoginAfterToken, LoginBeforeCookie, LoginAfterCookie, FeedBeforeRead,
        FeedBeforeApply, FeedWhileApplying, BeforeConsume, FillBeforeKeep, RefreshAfterClaim, RefreshAfterIdp, RefreshBeforeStore,
    };

    private readonly ConcurrentDictionary<string, Func<Task>>? _actions;

    private Failpoints(bool alive) => _actions = alive ? [] : null;

    /// <summary>Whether a test may use them in this process.</summary>
    public bool Alive => _actions is not null;

    /// <exception cref="FormatException">The list names no known place or no known action.</exception>
    public static Failpoints FromEnvironment()
    {
        var failpoints = new Failpoints(Environment.GetEnvironmentVariable("EVENTAUTH_TESTING") == "1");
        var list = failpoints.Alive ? Environment.GetEnvironmentVariable("EVENTAUTH_FAILPOINTS") : null;
        foreach (var entry in (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            failpoints.Add(entry);
        }

        return failpoints;
    }

    /// <summary>A place was reached.</summary>
    public Task ReachedAsync(string name) =>
        _actions is not null && _actions.TryGetValue(name, out var action) ? action() : Task.CompletedTask;

    /// <summary>From now on this happens there; null: nothing any more.</summary>
    /// <exception cref="InvalidOperationException">This process is not under test.</exception>
    public void Set(string name, Func<Task>? action)
    {
        var actions = _actions ?? throw new InvalidOperationException("failpoints live only with EVENTAUTH_TESTING=1");
        if (action is null)
        {
            actions.TryRemove(name, out _);
        }
        else
        {
            actions[name] = action;
        }
    }

    private void Add(string entry)
    {
        var passed = 0;
        var parts = entry.Split(':') is [var place, var what] ? (string[])[.. place.Split('@'), what] : [];
        var (name, only, does) = parts switch
        {
            [var n, var action] => (n, 0, action),
            [var n, var time, var action] when int.TryParse(time, CultureInfo.InvariantCulture, out var t) && t > 0 => (n, t, action),
            _ => ("", 0, ""),
        };
        if (!Names.Contains(name))
        {
            throw new FormatException($"EVENTAUTH_FAILPOINTS: '{entry}' is not NAME[@N]:ACTION with a known name");
        }

        var act = Action(entry, does);
        Set(name, () => only == 0 || Interlocked.Increment(ref passed) == only ? act() : Task.CompletedTask);
    }

    private static Func<Task> Action(string entry, string what) => what.Split('=') switch
    {
        ["exit"] => Die,
        ["throw"] => () => throw new FailpointException(entry),
        ["delay", var milliseconds] when int.TryParse(milliseconds, CultureInfo.InvariantCulture, out var time) => () => Task.Delay(time),
        _ => throw new FormatException($"EVENTAUTH_FAILPOINTS: '{entry}' has no known action (exit, throw, delay=MILLISECONDS)"),
    };

    // SIGKILL: no handler, no flush, no goodbye to anybody.
    private static Task Die()
    {
        Process.GetCurrentProcess().Kill();
        return Task.Delay(Timeout.Infinite);
    }
}

/// <summary>A test wanted this to fail.</summary>
public sealed class FailpointException(string place) : Exception($"failpoint {place}");
