using EventAuth.Adapters.Hosting;
using EventAuth.Gateway;

if (CommandLine.Read(args, "gateway", out var exitCode) is not { } settings)
{
    return exitCode;
}

if (settings.Listen.InlineScheduling)
{
    // Read once, when the first socket is made: completions then run on the thread that polls the sockets.
    Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
}

await GatewayHost.Build(settings, TimeProvider.System).RunAsync();
return 0;
