using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace EventAuth.Services.Tests.Revalidator;

/// <summary>Keeps what parts of a service log, on information level and above.</summary>
internal sealed class SpokenLog
{
    private readonly ConcurrentQueue<(LogLevel Level, int Id, string Text)> _lines = new();
    private readonly ConcurrentDictionary<int, string> _templates = new();

    public IReadOnlyList<(LogLevel Level, int Id, string Text)> Lines => [.. _lines];

    /// <summary>The text of each line that came up, before anything was put into it.</summary>
    public IReadOnlyDictionary<int, string> Templates => _templates;

    public void Clear() => _lines.Clear();

    public ILogger<T> For<T>() => new Speaker<T>(this);

    private sealed class Speaker<T>(SpokenLog log) : ILogger<T>
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                log._lines.Enqueue((logLevel, eventId.Id, formatter(state, exception)));
                log._templates[eventId.Id] = (state as IEnumerable<KeyValuePair<string, object?>>)?.Last().Value as string ?? "";
            }
        }
    }
}
