using System.Globalization;
using EventAuth.Adapters.Settings;
using EventAuth.Domain.Sessions;

namespace EventAuth.Gateway.Cache;

/// <summary>
/// The operator's choice for the time when the store is away for longer than the bound: nobody (deny), or for a while longer
/// the sessions that memory holds as live (grace). Never after the feed went back: then there is no age to count from.
/// </summary>
internal sealed class StoreGrace(RevocationView view, EventAuthSettings settings, ILogger<StoreGrace> log)
{
    // Checks come up to a tenth of the interval late, so that they do not come together.
    private const double LatestCheck = 1.1;

    private readonly TimeSpan _grace = settings.Revocation.Grace;
    private readonly TimeSpan _end = settings.Revocation.Bound + settings.Revocation.Grace;
    private volatile bool _storeAway;
    private bool _told;

    /// <summary>The last read of the feed failed: whoever asks the store now waits for its time limit.</summary>
    public bool StoreAway => _storeAway;

    /// <summary>Whether what memory knows is young enough for grace.</summary>
    public bool Holds => _grace > TimeSpan.Zero && view.Age is { } age && age <= _end;

    /// <summary>
    /// Whether the IdP's last word on a session still counts. With the store away nobody is verified, so grace ends for each
    /// session where an IdP that is away would end it: after <c>maxUnverifiedAge</c>, or with the first check that does not come.
    /// </summary>
    public bool LastWordCounts(in CachedSession session, long now)
    {
        var (accessEnds, verifiedAt) = (DateTimeOffset.FromUnixTimeSeconds(session.AccessExpiresAt), DateTimeOffset.FromUnixTimeSeconds(session.VerifiedAt));
        var rules = settings.Revalidation;
        if (rules.OnFailure == OnFailure.Allow && rules.MaxUnverifiedAge == TimeSpan.Zero)
        {
            return true;
        }

        // Without checks the end of the access token is when the IdP is asked; where failures deny, whatever comes first.
        var answerDue = rules.Interval > TimeSpan.Zero ? verifiedAt + (rules.Interval * LatestCheck) + rules.Timeout : accessEnds;
        var until = rules.OnFailure != OnFailure.Allow
            ? answerDue < accessEnds ? answerDue : accessEnds
            : LastWord.CountsUntil(rules.Interval > TimeSpan.Zero ? verifiedAt : accessEnds, answerDue, rules.MaxUnverifiedAge);
        return DateTimeOffset.FromUnixTimeSeconds(now) < until;
    }

    /// <summary>Whether sessions are let in by grace at this moment.</summary>
    public bool Begun => _storeAway && !view.LeaseHolds && Holds;

    /// <summary>The setting as it is written.</summary>
    public string Setting => _grace == TimeSpan.Zero
        ? "deny"
        : string.Create(CultureInfo.InvariantCulture, $"grace({_grace.TotalSeconds}s)");

    /// <summary>Says at the start what the setting costs.</summary>
    public void Announce()
    {
        if (_grace > TimeSpan.Zero)
        {
            log.GraceConfigured(Setting, _end);
        }
    }

    /// <summary>How the last read of the feed went.</summary>
    public void Tell(bool storeAway)
    {
        _storeAway = storeAway;
        if (Begun == _told)
        {
            return;
        }

        _told = !_told;
        if (_told)
        {
            log.GraceBegins(_end);
        }
        else
        {
            log.GraceEnds(storeAway ? "it has run out" : "the store is back");
        }
    }
}
