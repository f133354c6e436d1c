using System.Diagnostics;

namespace EventAuth.Services.Tests.Harness;

/// <summary>A small disk in memory that a test can fill. Needs root.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private static readonly Lazy<string?> Reason = new(FindReason);

    private SmallDisk(string folder) => Folder = folder;

    /// <summary>Why there can be none; null when there can.</summary>
    public static string? Missing => Reason.Value;

    public string Folder { get; }

    private string Ballast => Path.Combine(Folder, "ballast");

    public static async Task<SmallDisk> MountAsync(int megabytes)
    {
        var disk = new SmallDisk(Directory.CreateTempSubdirectory("eventauth-disk-").FullName);
        Assert.True(await RunAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "eventauth-test", disk.Folder), "no small disk");
        return disk;
    }

    /// <summary>Takes all room that is left.</summary>
    public async Task FillAsync()
    {
        await using var ballast = File.Create(Ballast);
        try
        {
            while (true)
            {
                await ballast.WriteAsync(new byte[4096]);
                await ballast.FlushAsync();
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    /// <summary>Gives it back.</summary>
    public void Free() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        await RunAsync("umount", Folder);
        Directory.Delete(Folder);
    }

    private static string? FindReason()
    {
        if (Environment.UserName != "root")
        {
            return "mounting needs root";
        }

        var folder = Directory.CreateTempSubdirectory("eventauth-probe-").FullName;
        using var mount = Process.Start("mount", ["-t", "tmpfs", "-o", "size=1m", "eventauth-probe", folder]);
        mount.WaitForExit();
        if (mount.ExitCode == 0)
        {
            using var unmount = Process.Start("umount", [folder]);
            unmount.WaitForExit();
        }

        Directory.Delete(folder);
        return mount.ExitCode == 0 ? null : "this machine lets nobody mount a disk";
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
}

/// <summary>A test with Postgres on a disk that it fills: skipped where nothing can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute() => Skip = PrivatePostgres.Missing ?? SmallDisk.Missing;
}
