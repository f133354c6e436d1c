using System.Globalization;
using EventAuth.Domain.Login;

namespace EventAuth.Domain.Refresh;

/// <summary>Which question an answer belongs to.</summary>
public enum ProviderEndpoint
{
    Unspecified = 0,
    Token,
    UserInfo,

    /// <summary>Userinfo with an access token that was issued a moment ago.</summary>
    UserInfoAfterRefresh,
}

/// <summary>What of an HTTP answer matters.</summary>
/// <param name="Error">Member <c>error</c> of the JSON object, or of <c>WWW-Authenticate</c> at userinfo.</param>
/// <param name="IsJsonObject">The body is whole, of type JSON and one object.</param>
public readonly record struct ProviderReply(
    int Status, string? Error, bool IsJsonObject, ProviderEndpoint Endpoint, TimeSpan? RetryAfter);

/// <summary>
/// The table of an IdP's answers. Only what the IdP itself says about the grant ends sessions; whatever could come
/// from a proxy, a firewall, a captive portal or a broken client registration does not.
/// </summary>
public static class ProviderAnswers
{
    private static readonly ProviderAnswer Granted = new ProviderAnswer.Granted();
    private static readonly ProviderAnswer AccessTokenRefused = new ProviderAnswer.AccessTokenRefused();

    /// <summary>What an answer means.</summary>
    /// <param name="fatalErrors">The words by which this IdP says that a grant is gone, all of them (<see cref="FatalErrors.Of"/>).</param>
    public static ProviderAnswer Classify(in ProviderReply reply, IReadOnlySet<string> fatalErrors)
    {
        var status = "http_" + reply.Status.ToString(CultureInfo.InvariantCulture);
        var saysError = FatalErrors.IsRefusal(reply.Status)
            && reply is { Endpoint: ProviderEndpoint.Token, IsJsonObject: true, Error: not null };
        return reply switch
        {
            { Endpoint: ProviderEndpoint.Unspecified } => Unavailable("unspecified", reply),
            { Status: 200, IsJsonObject: true, Error: null } => Granted,
            { Status: 200, IsJsonObject: true } => Unavailable("error_in_200", reply),
            { Status: 200 } => Unavailable("not_json", reply),
            _ when saysError => fatalErrors.Contains(reply.Error!) ? new ProviderAnswer.Refused(ErrorCode(reply.Error)) : OfTokenError(reply),

            // An old access token says nothing about the person, a fresh one does.
            { Endpoint: ProviderEndpoint.UserInfo, Status: 401 } => AccessTokenRefused,
            { Endpoint: ProviderEndpoint.UserInfoAfterRefresh, Status: 401 } when fatalErrors.Contains("userinfo_401") =>
                new ProviderAnswer.Refused("userinfo_401"),
            { Endpoint: not ProviderEndpoint.Token, Status: 403 } when fatalErrors.Contains("userinfo_403") =>
                new ProviderAnswer.Refused("userinfo_403"),
            _ when FatalErrors.IsRefusal(reply.Status) && fatalErrors.Contains(status) => new ProviderAnswer.Refused(status),
            _ => Unavailable(status, reply),
        };
    }

    /// <summary>An OAuth error code fit for events and logs.</summary>
    public static string ErrorCode(string? error) => OAuthText.ErrorCode(error);

    private static ProviderAnswer OfTokenError(in ProviderReply reply) => reply.Error switch
    {
        "invalid_client" or "unauthorized_client" or "unsupported_grant_type" or "invalid_scope" =>
            new ProviderAnswer.Misconfigured(reply.Error),
        _ => Unavailable(ErrorCode(reply.Error), reply),
    };

    private static ProviderAnswer.Unavailable Unavailable(string error, in ProviderReply reply) => new(error, reply.RetryAfter);
}
