using System.Text;
using EventAuth.Logout.Backchannel;

namespace EventAuth.Services.Tests.Logout;

public sealed class LogoutFormTests
{
    [Theory]
    [InlineData("logout_token=abc")]
    [InlineData("a=1&logout_token=abc&b=%20%C3%A4+&=&&c")]
    [InlineData("logout%5Ftoken=%61bc")]
    [InlineData("LOGOUT_TOKEN=x&logout_token=abc")]
    public void The_one_token_is_found_whatever_stands_beside_it(string body) =>
        Assert.Equal("abc", Assert.IsType<LogoutForm.Found>(Parse(body)).Token);

    [Theory]
    [InlineData("", "form-missing")]
    [InlineData("token=abc", "form-missing")]
    [InlineData("logout_token", "form-empty")]
    [InlineData("logout_token=", "form-empty")]
    [InlineData("logout_token=abc&logout_token=abc", "form-repeated")]
    [InlineData("logout_token=abc&logout_token=", "form-repeated")]
    [InlineData("logout_token=abc&logout%5ftoken=def", "form-repeated")]
    [InlineData("logout_token=a%zzc", "form-encoding")]
    [InlineData("logout_token=abc%", "form-encoding")]
    [InlineData("logout_token=abc%4", "form-encoding")]
    [InlineData("logout_token=abc&other=%g0", "form-encoding")]
    [InlineData("logout_token=ab\u00e4", "form-encoding")]
    [InlineData("logout_token=ab%C3%A4", "form-encoding")]
    [InlineData("logout_token=abc\r\n", "form-encoding")]
    public void What_could_be_read_in_two_ways_is_refused(string body, string rule) =>
        Assert.Equal(rule, Assert.IsType<LogoutForm.Refused>(Parse(body)).Rule);

    [Fact]
    public void A_hundred_parameters_pass_and_one_more_does_not()
    {
        var rest = string.Concat(Enumerable.Repeat("&a=1", 99));
        Assert.IsType<LogoutForm.Found>(Parse("logout_token=abc" + rest));
        Assert.Equal("form-parameters", Assert.IsType<LogoutForm.Refused>(Parse("logout_token=abc&b=2" + rest)).Rule);
    }

    [Fact]
    public void The_token_is_not_shown_when_a_form_is_printed() =>
        Assert.DoesNotContain("secret", Parse("logout_token=secret").ToString(), StringComparison.Ordinal);

    private static LogoutForm Parse(string body) => LogoutForm.Parse(Encoding.UTF8.GetBytes(body));
}
