using System.Runtime.InteropServices;
using EventAuth.Contracts;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// Ids that the database does not know, so that made-up cookies do not ask it each time. An id becomes known only by a login
/// whose cookie nobody has before the commit: what is unknown once stays unknown. Fixed size, newest wins.
/// </summary>
internal sealed class UnknownIds
{
    private const int Size = 4096;
    private readonly StrongBox?[] _ids = new StrongBox?[Size];

    public bool Contains(SessionId id) => Volatile.Read(ref _ids[Place(id)])?.Id == id;

    public void Add(SessionId id) => Volatile.Write(ref _ids[Place(id)], new StrongBox(id));

    public void Clear() => Array.Clear(_ids);

    private static int Place(SessionId id)
    {
        var value = id.Value;
        return MemoryMarshal.Read<int>(MemoryMarshal.AsBytes(new ReadOnlySpan<Guid>(in value))) & (Size - 1);
    }

    private sealed record StrongBox(SessionId Id);
}
