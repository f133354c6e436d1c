using System.Net;
using EventAuth.Services.Tests.Harness;

namespace EventAuth.Services.Tests.Compose;

/// <summary>How a session ends elsewhere, and how fast that has to be known everywhere.</summary>
internal static class Revocation
{
    /// <summary>The promise: <c>revocation.bound</c>.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    /// <summary>Signs out on the IdP's own page; the IdP then tells the logout service.</summary>
    public static async Task AtTheIdpAsync(ScriptedBrowser browser, ComposeWorld world)
    {
        var end = await browser.SubmitAsync(await browser.OpenAsync(world.Idp.EndSession.ToString()), ("logout", "yes"));
        Assert.Contains("Signed out", end.Text, StringComparison.Ordinal);
    }

    /// <summary>Every replica refuses, in time.</summary>
    public static Task ArrivesAsync(ScriptedBrowser browser) => Until.TrueAsync("every replica refuses",
        async () => (await browser.AskGatewaysAsync()).All(s => s == HttpStatusCode.Unauthorized), Bound);
}
