using System.Buffers.Text;
using EventAuth.Contracts;
using EventAuth.Guarantee.Load;
using EventAuth.Guarantee.Worlds;
using EventAuth.StubIdp;

namespace EventAuth.Storm;

/// <summary>One session of the storm.</summary>
internal sealed record Member(string Sub, string Sid, string Cookie)
{
    /// <summary>As in the store.</summary>
    public Guid Id { get; } = SessionId.OfSecret(Base64Url.DecodeFromChars(Cookie.Split('=', 2)[1])).Value;
}

/// <summary>All sessions, each of another person; one that has ended gets a successor.</summary>
internal sealed class Crowd(World world, int count) : IDisposable
{
    private const int Attempts = 50;
    private readonly SignIn _signIn = new(world);
    private readonly Member?[] _members = new Member?[count];

    public IReadOnlyList<Member> Members => [.. _members.Select(m => m!)];

    /// <exception cref="InvalidOperationException">Somebody cannot sign in.</exception>
    public async Task FillAsync(CancellationToken ct)
    {
        for (var i = 0; i < _members.Length; i++)
        {
            _members[i] ??= await SignInAsync($"person-{i + 1}", i % world.Gateways.Count, ct);
        }
    }

    public void Remove(Member member) => _members[Array.IndexOf(_members, member)] = null;

    /// <summary>What the IdP knows of each member's grant.</summary>
    public IReadOnlyDictionary<Member, StubGrant> Grants()
    {
        var grants = world.Idp.Grants.All;
        return Members.ToDictionary(m => m, m => grants[m.Sid]);
    }

    public void Dispose() => _signIn.Dispose();

    private async Task<Member> SignInAsync(string sub, int gateway, CancellationToken ct)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            // One of them may be dead.
            if (await _signIn.TryAsync(sub, (gateway + attempt) % world.Gateways.Count, ct) is { } signedIn)
            {
                return new Member(signedIn.Sub, signedIn.Sid, signedIn.Cookie);
            }

            await Task.Delay(100, ct);
        }

        throw new InvalidOperationException($"{sub} cannot sign in");
    }
}
