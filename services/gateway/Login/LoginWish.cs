using EventAuth.Domain.Access;

namespace EventAuth.Gateway.Login;

/// <summary>What somebody wants who is sent to sign in.</summary>
/// <param name="Issuer">Where they chose to sign in; null: wherever the host they want says.</param>
/// <param name="Again">The login replaces one that came to nothing through nobody's fault; it is not replaced once more.</param>
internal sealed record LoginWish(ReturnUrl ReturnTo, string? Issuer = null, bool Again = false);
