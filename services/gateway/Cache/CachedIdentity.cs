using System.Text;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using Microsoft.Extensions.Primitives;

namespace EventAuth.Gateway.Cache;

/// <summary>Who a session belongs to, with header values made once and used for every answer.</summary>
internal sealed class CachedIdentity
{
    public CachedIdentity(Guid session, Identity identity, int place = -1)
    {
        Session = session;
        Place = place;
        Identity = identity;
        User = HeaderText.Encode(identity.Sub);
        Email = HeaderText.Encode(identity.Email ?? "");
        Name = HeaderText.Encode(identity.Name ?? "");
        Groups = HeaderText.EncodeList(identity.Groups);
        Roles = HeaderText.EncodeList(identity.Roles);
    }

    public Guid Session { get; }

    /// <summary>Where its bytes lie in the cache: other bytes, another person's or changed ones, lie elsewhere.</summary>
    public int Place { get; }

    public Identity Identity { get; }

    public StringValues User { get; }

    public StringValues Email { get; }

    public StringValues Name { get; }

    public StringValues Groups { get; }

    public StringValues Roles { get; }

    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, Encoding.UTF8))
        {
            writer.Write(Identity.Issuer);
            writer.Write(Identity.Sub);
            writer.Write(Identity.Email ?? "");
            writer.Write(Identity.Name ?? "");
            WriteList(writer, Identity.Groups);
            WriteList(writer, Identity.Roles);
        }

        return bytes.ToArray();
    }

    public static CachedIdentity FromBytes(in CachedSession session, byte[] store)
    {
        using var bytes = new MemoryStream(store, session.IdentityAt, session.IdentityLength, writable: false);
        using var reader = new BinaryReader(bytes, Encoding.UTF8);
        var (issuer, sub, email, name) = (reader.ReadString(), reader.ReadString(), reader.ReadString(), reader.ReadString());
        return new CachedIdentity(session.Id, new Identity
        {
            SubjectKey = new SubjectKey(session.SubjectKey),
            Issuer = issuer,
            Sub = sub,
            Email = email.Length == 0 ? null : email,
            Name = name.Length == 0 ? null : name,
            Groups = ReadList(reader),
            Roles = ReadList(reader),
        }, session.IdentityAt);
    }

    private static void WriteList(BinaryWriter writer, IReadOnlyList<string> items)
    {
        writer.Write7BitEncodedInt(items.Count);
        foreach (var item in items)
        {
            writer.Write(item);
        }
    }

    private static string[] ReadList(BinaryReader reader)
    {
        var items = new string[reader.Read7BitEncodedInt()];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = reader.ReadString();
        }

        return items;
    }
}
