namespace EventAuth.Contracts.Messages;

/// <summary>
/// "Read the feed now": a revocation was committed. A hint only, the feed is the record; it may be lost, doubled or late.
/// Carries ids and a position, no personal data.
/// </summary>
public sealed record SubjectRevoked
{
    public required long Position { get; init; }

    public required RevocationKind Kind { get; init; }

    public required Guid Key { get; init; }

    public required DateTimeOffset CommittedAt { get; init; }
}

/// <summary>"What you know of this session is out of date." A hint only.</summary>
public sealed record SessionChanged
{
    public required long Position { get; init; }

    public required Guid SessionId { get; init; }

    public required DateTimeOffset CommittedAt { get; init; }
}
