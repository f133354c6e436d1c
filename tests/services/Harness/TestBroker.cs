namespace EventAuth.Services.Tests.Harness;

/// <summary>The RabbitMQ that <c>EVENTAUTH_TEST_AMQP</c> names.</summary>
internal static class TestBroker
{
    private const string Variable = "EVENTAUTH_TEST_AMQP";

    public static string Url => Environment.GetEnvironmentVariable(Variable) ?? "";

    /// <summary>Whether store and broker are there. In CI they must be: tests then run and fail without.</summary>
    public static bool IsConfigured => TestStore.IsConfigured && (Url.Length > 0 || Environment.GetEnvironmentVariable("CI") == "true");

    public static string? Skip => IsConfigured ? null : $"{Variable} names no broker (tests/run starts one)";
}

/// <summary>A test that needs RabbitMQ too: skipped at home without one, never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class WithBrokerFactAttribute : FactAttribute
{
    public WithBrokerFactAttribute() => Skip = TestBroker.Skip;
}

/// <summary>As <see cref="WithBrokerFactAttribute"/>, for tables.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class WithBrokerTheoryAttribute : TheoryAttribute
{
    public WithBrokerTheoryAttribute() => Skip = TestBroker.Skip;
}
