using EventAuth.Adapters.Hosting;
using EventAuth.Logout;

var settings = CommandLine.Read(args, "logout service: takes the logouts of IdPs", out var exitCode);
if (settings is not null)
{
    await using var app = LogoutService.Build(settings, TimeProvider.System);
    await app.RunAsync();
}

return exitCode;
