namespace EventAuth.Services.Tests.Faults;

/// <summary>A test that needs RabbitMQ too: skipped at home without one, never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BusFactAttribute : FactAttribute
{
    public BusFactAttribute() => Skip = BusWorld.Missing;
}

/// <summary>As <see cref="BusFactAttribute"/>, for tables.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BusTheoryAttribute : TheoryAttribute
{
    public BusTheoryAttribute() => Skip = BusWorld.Missing;
}
