using System.Net.Sockets;
using EventAuth.Guarantee.Histories;
using EventAuth.Guarantee.Load;
using EventAuth.Guarantee.Worlds;

namespace EventAuth.Storm;

/// <summary>One question's answer.</summary>
/// <param name="Status">0: no gateway answered at all.</param>
/// <param name="Nanoseconds">From the first attempt on.</param>
/// <param name="Retries">How often a connection broke and the next gateway was asked, as a proxy does.</param>
internal readonly record struct Answer(Member Of, int Status, long Nanoseconds, int Retries);

/// <summary>Asks for everybody at once, over all gateways, on a bounded number of connections that stay open.</summary>
internal sealed class Burst(World world) : IDisposable
{
    private const int ConnectionsPerGateway = 128;
    private const int MaxTries = 100;
    private readonly HttpClient[] _clients = [.. world.Gateways.Select(_ => NewClient())];

    /// <param name="first">This gateway gets one question per session, and the others none until it leads; null: all are equal.</param>
    public async Task<IReadOnlyList<Answer>> FireAsync(
        IReadOnlyList<Member> members, int parallel, (int Gateway, Func<CancellationToken, Task> Leads)? first, CancellationToken ct)
    {
        var questions = new List<Task<Answer>>(members.Count * parallel);
        for (var round = 0; round < parallel; round++)
        {
            for (var i = 0; i < members.Count; i++)
            {
                var gateway = round == 0 && first is { } f ? f.Gateway : (round + i) % _clients.Length;
                questions.Add(AskAsync(members[i], gateway, ct));
            }

            if (round == 0 && first is { } head)
            {
                await head.Leads(ct);
            }
        }

        return await Task.WhenAll(questions);
    }

    /// <summary>Asks one gateway about everybody.</summary>
    public Task AskOnceAsync(IReadOnlyList<Member> members, int gateway, CancellationToken ct) =>
        Task.WhenAll(members.Select(m => AskAsync(m, gateway, ct)));

    public void Dispose() => Array.ForEach(_clients, c => c.Dispose());

    private async Task<Answer> AskAsync(Member member, int gateway, CancellationToken ct)
    {
        var started = Monotonic.Now;
        for (var retries = 0; retries < MaxTries; retries++)
        {
            var turn = (gateway + retries) % _clients.Length;
            try
            {
                using var request = Question.Of(world.Gateways[turn].Process.Public, World.PublicUrl, member.Cookie, "application/json");
                using var answer = await _clients[turn].SendAsync(request, ct);
                return new Answer(member, (int)answer.StatusCode, Monotonic.Now - started, retries);
            }
            catch (Exception e) when (e is HttpRequestException or SocketException)
            {
                // The second where a gateway dies between a connection's being made and its first use.
                // Only when all have been tried does waiting help.
                await Task.Delay(turn == (gateway + _clients.Length - 1) % _clients.Length ? 50 : 0, ct);
            }
        }

        return new Answer(member, 0, Monotonic.Now - started, MaxTries);
    }

    private static HttpClient NewClient() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        MaxConnectionsPerServer = ConnectionsPerGateway,
    })
    {
        Timeout = TimeSpan.FromSeconds(60),
    };
}
