using EventAuth.Contracts;

namespace EventAuth.Domain.Access;

/// <summary>Who asks, as far as rules look at it. No record: its text must not carry an e-mail address into a log.</summary>
public sealed class Identity
{
    public required SubjectKey SubjectKey { get; init; }

    public required string Issuer { get; init; }

    public required string Sub { get; init; }

    /// <summary>
    /// Only an address that may be relied upon: the IdP says <c>email_verified: true</c>, or the operator vouches for the
    /// IdP. Otherwise null; rules look at nothing else to tell the two apart.
    /// </summary>
    public string? Email { get; init; }

    public string? Name { get; init; }

    public IReadOnlyList<string> Groups { get; init; } = [];

    public IReadOnlyList<string> Roles { get; init; } = [];
}
