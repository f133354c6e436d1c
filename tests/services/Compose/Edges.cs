namespace EventAuth.Services.Tests.Compose;

/// <summary>
/// One world per edge, one after the other, and beside nothing else: each starts nine servers, and what is tested here has
/// deadlines.
/// </summary>
/// <param name="name">caddy, nginx or traefik.</param>
/// <param name="revalidation">How often the IdP is asked again.</param>
public abstract class Edge(string name, string revalidation) : IAsyncLifetime
{
    private ComposeWorld? _world;

    public ComposeWorld World => _world ?? throw new InvalidOperationException("there is no world to test in");

    public async Task InitializeAsync() =>
        _world = Needs.IsCi || Needs.Missing is null ? await ComposeWorld.StartAsync(name, revalidation) : null;

    public async Task DisposeAsync() => await (_world?.DisposeAsync() ?? default);
}

/// <summary>
/// The world behind Caddy. Revalidation is so rare that it cannot help: a logout that arrives has come by the webhook.
/// </summary>
public sealed class Caddy() : Edge("caddy", "10m")
{
    /// <summary>Names the collection of its tests.</summary>
    public const string Collection = "Behind Caddy";
}

/// <summary>The world behind nginx, where the IdP is asked again all the time.</summary>
public sealed class Nginx() : Edge("nginx", "2s")
{
    /// <summary>Names the collection of its tests.</summary>
    public const string Collection = "Behind nginx";
}

/// <summary>Tells the runner of the world behind Caddy.</summary>
[CollectionDefinition(Caddy.Collection, DisableParallelization = true)]
public sealed class BehindCaddy : ICollectionFixture<Caddy>;

/// <summary>Tells the runner of the world behind nginx.</summary>
[CollectionDefinition(Nginx.Collection, DisableParallelization = true)]
public sealed class BehindNginx : ICollectionFixture<Nginx>;
