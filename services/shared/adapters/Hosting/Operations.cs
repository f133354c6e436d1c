using System.Collections.Concurrent;
using System.Text.Json;
using EventAuth.Adapters.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace EventAuth.Adapters.Hosting;

/// <summary>What a service tells operators: whether it may be asked (readiness) and how it stands (status).</summary>
public sealed class ServiceState
{
    private readonly ConcurrentDictionary<string, Func<string?>> _conditions = [];
    private readonly ConcurrentDictionary<string, Func<object?>> _sections = [];
    private volatile bool _draining;

    /// <summary>A condition of readiness: null when met, else what is missing.</summary>
    public void Require(string name, Func<string?> missing) => _conditions[name] = missing;

    /// <summary>A section of <c>/status</c>.</summary>
    public void Show(string name, Func<object?> section) => _sections[name] = section;

    /// <summary>From now on not ready, so that load balancers look elsewhere before the listener closes.</summary>
    public void Drain() => _draining = true;

    public IReadOnlyDictionary<string, string> Missing()
    {
        var missing = _conditions.Select(c => (c.Key, What: c.Value())).Where(c => c.What is not null)
            .ToDictionary(c => c.Key, c => c.What!);
        if (_draining)
        {
            missing["shutdown"] = "stopping";
        }

        return missing;
    }

    public IReadOnlyDictionary<string, object?> Status() => _sections.ToDictionary(s => s.Key, s => s.Value());
}

/// <summary>The operations listener: <c>/healthz</c>, <c>/readyz</c>, <c>/metrics</c>, <c>/status</c>, on an address of its own.</summary>
internal static class Operations
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Map(IApplicationBuilder app, ServiceState state, PrometheusText metrics) => app.Run(async http =>
    {
        http.Response.Headers.CacheControl = "no-store";
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
        {
            http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        switch (http.Request.Path.Value)
        {
            case "/healthz":
                await http.Response.WriteAsync("alive\n", http.RequestAborted);
                break;
            case "/readyz":
                var missing = state.Missing();
                http.Response.StatusCode = missing.Count == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
                await http.Response.WriteAsJsonAsync(new { ready = missing.Count == 0, missing }, Json, http.RequestAborted);
                break;
            case "/metrics":
                http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
                await http.Response.WriteAsync(metrics.Write(), http.RequestAborted);
                break;
            case "/status":
                await http.Response.WriteAsJsonAsync(state.Status(), Json, http.RequestAborted);
                break;
            default:
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                await http.Response.WriteAsync("try /healthz, /readyz, /metrics or /status\n", http.RequestAborted);
                break;
        }
    });
}
