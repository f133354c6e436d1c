namespace EventAuth.Services.Tests.Faults;

/// <summary>Tests with Postgres clusters of their own run one after the other: each costs a start and a disk.</summary>
[CollectionDefinition(Name)]
public sealed class OwnPostgres
{
    public const string Name = "own Postgres";
}
