using System.Globalization;
using EventAuth.Contracts;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Sessions;

/// <summary>Which sessions somebody asks the API for.</summary>
internal sealed record SessionQuery(bool All, SubjectKey? Subject, bool Live, (DateTimeOffset At, SessionId Id)? Before, int Limit)
{
    public static bool TryRead(IQueryCollection query, int defaultLimit, int maxLimit, out SessionQuery read)
    {
        SubjectKey? subject = null;
        (DateTimeOffset, SessionId)? before = null;
        var ok = ApiRequest.TryFlag(query, "all", fallback: false, out var all)
            & ApiRequest.TryFlag(query, "live", fallback: true, out var live)
            & ApiRequest.TryNumber(query, "limit", defaultLimit, 1, maxLimit, out var limit)
            & ApiRequest.TryParameter(query, "subject", out var subjectText)
            & ApiRequest.TryParameter(query, "before", out var beforeText);
        if (subjectText is not null)
        {
            ok &= SubjectKey.TryParse(subjectText, out var key) && !all;
            subject = key;
        }

        if (beforeText is not null)
        {
            ok &= SessionCursor.TryParse(beforeText, out before);
        }

        read = new SessionQuery(all, subject, live, before, (int)limit);
        return ok;
    }

    /// <summary>The same question, further on.</summary>
    public string NextPage(string cursor) =>
        $"?limit={Limit.ToString(CultureInfo.InvariantCulture)}&before={cursor}"
        + (All ? "&all=true" : "") + (Live ? "" : "&live=false") + (Subject is { } key ? $"&subject={key}" : "");
}
