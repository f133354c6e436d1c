namespace EventAuth.Services.Tests.Harness;

/// <summary>One world and one store of its own for the tests of a class.</summary>
public abstract class WorldFixture : IAsyncLifetime
{
    private TestStore? _store;
    private World? _world;

    internal World World => _world ?? throw new InvalidOperationException("there is no store to test with");

    internal TestStore Store => _store ?? throw new InvalidOperationException("there is no store to test with");

    public async Task InitializeAsync()
    {
        if (TestStore.IsConfigured)
        {
            _store = await TestStore.CreateAsync(GetType().DeclaringType?.Name ?? GetType().Name);
            _world = await StartAsync(_store);
        }
    }

    public async Task DisposeAsync()
    {
        if (_world is not null)
        {
            await _world.DisposeAsync();
        }

        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }

    internal abstract Task<World> StartAsync(TestStore store);
}
