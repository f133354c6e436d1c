using EventAuth.Gateway.Bearer;

namespace EventAuth.Services.Tests.Bearer;

public sealed class TokenCacheTests
{
    private const int Capacity = 100;
    private readonly TokenCache _cache = new(Capacity);

    // Somebody who brings ever new good tokens must not fill the memory.
    [Fact]
    public void However_many_come_it_stays_bounded()
    {
        for (var i = 0; i < 10 * Capacity; i++)
        {
            _cache.Put(Key(i), Lookup(i));
        }

        Assert.InRange(_cache.Count, Capacity / 2, Capacity);
    }

    [Fact]
    public void What_is_in_use_stays_while_others_come_and_go()
    {
        _cache.Put(Key(0), Lookup(0));
        for (var i = 1; i < 10 * Capacity; i++)
        {
            _cache.Put(Key(i), Lookup(i));
            Assert.True(i % 10 != 0 || _cache.TryGet(Key(0), out _));
        }

        Assert.True(_cache.TryGet(Key(0), out var kept));
        Assert.Equal(Lookup(0), kept);
        Assert.False(_cache.TryGet(Key(1), out _));
    }

    [Fact]
    public void The_newest_of_one_token_counts()
    {
        _cache.Put(Key(0), Lookup(0));
        _cache.Put(Key(0), Lookup(1));

        Assert.True(_cache.TryGet(Key(0), out var found));
        Assert.Equal(Lookup(1), found);
        Assert.Equal(1, _cache.Count);
    }

    [Fact]
    public void Tokens_are_told_apart_by_their_last_character()
    {
        Assert.Equal(TokenHash.Of("a.b.c"), TokenHash.Of("a.b.c"));
        Assert.NotEqual(TokenHash.Of("a.b.c"), TokenHash.Of("a.b.d"));
        Assert.NotEqual(TokenHash.Of("a\u00e9"), TokenHash.Of("a?"));
    }

    private static TokenHash Key(int i) => TokenHash.Of($"token-{i}");

    private static TokenLookup Lookup(int i) => new TokenLookup.Refused($"{i}", "");
}
