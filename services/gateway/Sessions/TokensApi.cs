using EventAuth.Adapters.Hosting;
using EventAuth.Adapters.Refresh;
using EventAuth.Adapters.Sessions;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Sessions;

/// <summary>
/// The deny-list of access tokens, for those whom a rule at the path names: one token by its <c>jti</c>, or everything of a
/// person or program that was issued until now, whether it ever had a session or not. Each answers with its position in the feed.
/// </summary>
internal sealed class TokensApi(Visitors visitors, OwnRules rules, Revocations revocations, EventAuthSettings settings, SessionsLog log)
{
    private readonly Revocations _revocations = revocations;
    private const string TokenPath = "/api/tokens/revoke";
    private const string SubjectPath = "/api/subjects/revoke";

    /// <summary><c>POST /api/tokens/revoke</c>.</summary>
    public static Task RevokeTokenAsync(HttpContext http, TokensApi api, CancellationToken ct) =>
        api.AnswerAsync(http, TokenPath, "jti", (target, cause) => api._revocations.RevokeTokenAsync(target.Issuer, target.Name, cause, CancellationToken.None), ct);

    /// <summary><c>POST /api/subjects/revoke</c>.</summary>
    public static Task RevokeSubjectAsync(HttpContext http, TokensApi api, CancellationToken ct) =>
        api.AnswerAsync(http, SubjectPath, "sub",
            (target, cause) => api._revocations.RevokeSubjectAsync(new Subject(target.Issuer, target.Name), cause, CancellationToken.None), ct);

    private async Task AnswerAsync(
        HttpContext http, string path, string member, Func<ApiTarget, RevocationCause, Task<RevocationReceipt>> revoke, CancellationToken ct)
    {
        var (fault, target) = await ApiRequest.ReadTargetAsync(http, settings, member, ct);
        if (await visitors.FindAsync(http, ct) is not { } visitor)
        {
            await ApiReply.UnauthenticatedAsync(http);
            return;
        }

        if (!rules.Admit(visitor, HttpMethods.Post, path))
        {
            log.Refused(visitor.Key, http.Request.Method, path, "not-allowed");
            await ApiReply.NotAllowedAsync(http);
            return;
        }

        if (fault is not null)
        {
            log.Refused(visitor.Key, http.Request.Method, path, fault.Code);
            await Problems.WriteAsync(http, fault.Status, fault.Code, fault.Detail);
            return;
        }

        var cause = new RevocationCause(
            EndReason.EndedByOperator, "operator", target.Reason, visitor.Key.ToString(), $"request:{http.TraceIdentifier}");
        var receipt = await revoke(target, cause);
        log.RevokedOfIssuer(member, target.Issuer, receipt.Position, visitor.Key);
        await ApiReply.WriteAsync(http, new { position = receipt.Position, fresh = receipt.Fresh }, ct);
    }
}
