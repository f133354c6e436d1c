namespace EventAuth.Gateway.Pages;

/// <summary>Reads what a form of ours sent.</summary>
internal static class OwnForm
{
    /// <summary>Null when the body is no form, or not a well-formed one.</summary>
    public static async Task<IFormCollection?> ReadAsync(HttpContext http, CancellationToken ct)
    {
        if (http.Request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) != true)
        {
            return null;
        }

        try
        {
            return await http.Request.ReadFormAsync(ct);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            // The listener says bad request of most bodies that it cannot read, and plain IOException of a chunk that is too long.
            return null;
        }
    }
}
