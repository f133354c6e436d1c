namespace EventAuth.Storm;

/// <summary>What was seen in one cycle, and what of it is wrong.</summary>
/// <param name="Calls">To the IdP's token endpoint, for refreshes.</param>
/// <param name="Early">Those before the burst, when tokens had expired before a gateway was back.</param>
/// <param name="Ended">Sessions that are over, and why.</param>
/// <param name="Wrong">In words; empty: as it should be.</param>
internal sealed record Cycle(
    int Number, IReadOnlyList<Answer> Answers, IReadOnlyDictionary<Member, int> Calls, int Early, IReadOnlyDictionary<Member, string> Ended,
    KillResult? Kill, IReadOnlyList<string> Wrong)
{
    private const string Lost = "RefreshLost";

    public int Sessions => Calls.Count;

    /// <summary>Calls beyond one per session; those of a killed leader had to be made again.</summary>
    public int Again => Calls.Values.Sum() - Sessions;

    /// <summary>Refusals that are not those of a session that a kill cost.</summary>
    public int Non200 => Answers.Count(a => a.Status != 200 && !(a.Status == 401 && IsExcused(a.Of)));

    public string Kind => Kill switch
    {
        null => "no kill",
        { At: null } => "place not reached",
        { Kill.Point: var point } => $"killed at {point}",
    };

    public bool IsExcused(Member member) => Ended.GetValueOrDefault(member) == Lost && Kill?.Asked.Contains(member) == true;

    /// <summary>Judges a cycle.</summary>
    /// <param name="retryWindow">The IdP would have taken a used token again.</param>
    public Cycle Judged(bool retryWindow)
    {
        var wrong = new List<string>();
        foreach (var (member, calls) in Calls)
        {
            var allowed = Kill?.Asked.Contains(member) == true ? 2 : 1;
            if (calls < 1 || calls > allowed)
            {
                wrong.Add($"{member.Sub}: {calls} calls to the IdP instead of {allowed}");
            }
        }

        if (Early > Sessions)
        {
            wrong.Add($"{Early} calls to the IdP for {Sessions} sessions while a gateway was warmed up");
        }

        wrong.AddRange(Ended.Where(e => !IsExcused(e.Key) || retryWindow).Select(e => $"{e.Key.Sub} was signed out: {e.Value}"));
        wrong.AddRange(Answers.Where(a => a.Status != 200 && !(a.Status == 401 && IsExcused(a.Of)))
            .GroupBy(a => (a.Of.Sub, a.Status)).Select(g => $"{g.Key.Sub}: {g.Count()} answers {g.Key.Status}"));
        return this with { Wrong = wrong };
    }
}
