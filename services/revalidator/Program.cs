using EventAuth.Adapters.Hosting;
using EventAuth.Revalidator;

var settings = CommandLine.Read(args, "revalidator: asks the IdPs again for every live session", out var exitCode);
if (settings is not null)
{
    await using var app = RevalidatorService.Build(settings, TimeProvider.System);
    await app.RunAsync();
}

return exitCode;
