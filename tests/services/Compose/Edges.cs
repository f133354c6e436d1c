namespace EventAuth.Services.Tests.Compose;

/// <summary>
/// One world per edge, one after the other, and beside nothing else: each starts nine servers, and what is tested here has
/// deadlines.
/// </summary>
public abstract class Edge(string name) : IAsyncLifetime
{
    private ComposeWorld? _world;

    public ComposeWorld World => _world ?? throw new InvalidOperationException("there is no world to test in");

    public async Task InitializeAsync() =>
        _world = Needs.IsCi || Needs.Missing is null ? await ComposeWorld.StartAsync(name) : null;

    public async Task DisposeAsync() => await (_world?.DisposeAsync() ?? default);
}

/// <summary>The world behind Caddy.</summary>
public sealed class Caddy() : Edge("caddy")
{
    /// <summary>Names the collection of its tests.</summary>
    public const string Collection = "Behind Caddy";
}

/// <summary>The world behind nginx.</summary>
public sealed class Nginx() : Edge("nginx")
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
