using EventAuth.Guarantee;

namespace EventAuth.Services.Tests.Checker;

/// <summary>The command line of the guarantee's harness, and its luck.</summary>
public sealed class OptionsTests
{
    private static readonly HashSet<string> Faults = ["store-cut", "broker-kill"];

    [Fact]
    public void All_is_as_the_help_says_when_nothing_is_said()
    {
        var options = Parse();

        Assert.Equal((60, 2, 200, 10, true, false), (options.Seconds, options.Gateways, options.Sessions, options.Rate, options.Broker, options.IsExternal));
        Assert.Null(options.Faults);
    }

    [Fact]
    public void The_command_to_repeat_a_run_names_its_seed_once_and_all_the_rest() =>
        Assert.EndsWith(" -- --seconds 5 --no-broker --seed 7", Parse("--seconds", "5", "--seed", "7", "--no-broker").Again, StringComparison.Ordinal);

    [Fact]
    public void A_seed_that_was_drawn_is_in_the_command_too()
    {
        var options = Parse();

        Assert.EndsWith($" --seed {options.Seed}", options.Again, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_gateways_follow_one_option() =>
        Assert.Equal(["http://a/", "http://b/"], Parse("--gateway-url", "http://a", "http://b", "--seconds", "5").GatewayUrls.Select(u => u.ToString()));

    [Theory]
    [InlineData("none", "")]
    [InlineData("store-cut,broker-kill", "store-cut broker-kill")]
    public void Faults_are_named_with_commas(string list, string names) => Assert.Equal(names, string.Join(' ', Parse("--faults", list).Faults!));

    [Theory]
    [InlineData("--faults", "store-cut,nonsense")]
    [InlineData("--seconds", "0")]
    [InlineData("--seconds", "x")]
    [InlineData("--nonsense", "1")]
    [InlineData("--set", "no-value")]
    [InlineData("--gateway-url", "not a url")]
    [InlineData("--seed", null)]
    public void What_is_not_understood_is_refused(string option, string? value) =>
        Assert.Throws<FormatException>(() => Parse(value is null ? [option] : [option, value]));

    [Fact]
    public void The_same_seed_draws_the_same_and_another_draws_something_else()
    {
        var (one, again, other) = (Draw(1), Draw(1), Draw(2));

        Assert.Equal(one, again);
        Assert.NotEqual(one, other);
    }

    private static Options Parse(params string[] arguments) => Options.Parse(arguments, Faults);

    private static string Draw(ulong seed)
    {
        var dice = new Dice(seed);
        return string.Join(' ', dice.Shuffle(Enumerable.Range(0, 20)).Append(dice.Below(1000)));
    }
}
