using EventAuth.Gateway.Cache;

namespace EventAuth.Services.Tests.Cache;

public sealed class HeaderTextTests
{
    [Theory]
    [InlineData("alice", "alice")]
    [InlineData("Alice Example", "Alice Example")]
    [InlineData("a@b.example", "a@b.example")]
    [InlineData("Ärmel", "%C3%84rmel")]
    [InlineData("100%", "100%25")]
    [InlineData("😀", "%F0%9F%98%80")]
    [InlineData(" padded ", "%20padded%20")]
    [InlineData("", "")]
    public void A_value_is_what_a_header_can_hold(string text, string expected) => Assert.Equal(expected, HeaderText.Encode(text));

    // A name with a line break in it would end our header and begin the attacker's.
    [Theory]
    [InlineData("x\r\nX-User-Roles: admin")]
    [InlineData("x\nSet-Cookie: a=b")]
    [InlineData("x\0y")]
    public void Nothing_breaks_out_of_its_line(string text) =>
        Assert.DoesNotContain(HeaderText.Encode(text), c => c is '\r' or '\n' or '\0');

    [Fact]
    public void Members_of_a_list_cannot_make_a_second_member() =>
        Assert.Equal("staff,a%2Cadmins", HeaderText.EncodeList(["staff", "a,admins"]));

    [Fact]
    public void A_huge_list_is_cut_between_members()
    {
        var text = HeaderText.EncodeList([.. Enumerable.Range(0, 5000).Select(i => $"group-{i}")]);

        Assert.InRange(text.Length, 1, 4096);
        Assert.Matches(@"group-\d+$", text);
    }
}
