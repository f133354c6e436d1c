using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Sessions;

/// <summary>What the sessions page looks like to one visitor.</summary>
internal sealed class SessionsHtml(Visitor visitor, EventAuthSettings settings)
{
    private readonly string _here = OwnUrl.Of(settings, "/auth/sessions");

    public Html Head() => Html.Of($"""
        <header><h1>Your sessions</h1>
        <form method="post" action="{OwnUrl.Of(settings, "/auth/logout")}">{Token()}<button class="p">Sign out</button></form></header>
        <p class="m">Signed in as {Who(visitor.Session)} · {visitor.Session.Subject.Issuer}</p>
        """);

    public Html Own(IReadOnlyList<SessionRow> sessions)
    {
        var others = sessions.Count < 2
            ? Html.Empty
            : Html.Of($"""<form method="post" action="{_here}">{Token()}<button name="action" value="others">End all others</button></form>""");
        return Html.Of($"""
            <table><thead><tr><th>Browser</th><th>Signed in</th><th>Last seen</th><th>Sign-in service</th><th></th></tr></thead><tbody>
            {sessions.Select(s => Html.Of($"""
                <tr><td>{BrowserName.Of(s.UserAgent)} {Mark(s)}</td>{Times(s)}<td>{Host(s)}</td><td>{End(s, "")}</td></tr>
                """))}
            </tbody></table>
            {others}
            """);
    }

    /// <param name="user">What was asked for; empty: everybody.</param>
    /// <param name="older">Where the next page begins.</param>
    public Html Others(IReadOnlyList<SessionRow> sessions, string user, string? older) => Html.Of($"""
        <h2>All sessions</h2>
        <form class="row" method="get" action="{_here}"><input name="user" value="{user}" maxlength="200" placeholder="E-mail, name, subject or key"
        aria-label="Filter by user"><button>Filter</button>{(user.Length == 0 ? Html.Empty : Html.Of($"""<a href="{_here}">Everybody</a>"""))}</form>
        <table><thead><tr><th>Who</th><th>Browser</th><th>Signed in</th><th>Last seen</th><th></th></tr></thead><tbody>
        {sessions.Select(s => Html.Of($"""
            <tr><td>{Who(s)}<br><code>{s.Subject.Key.ToString()}</code></td><td>{BrowserName.Of(s.UserAgent)} {Mark(s)}</td>{Times(s)}<td>{End(s, user)}</td></tr>
            """))}
        </tbody></table>
        {(sessions.Count == 0 ? Html.Of($"""<p class="m">No live session.</p>""") : Html.Empty)}
        {(older is null ? Html.Empty : Html.Of($"""<p><a href="{_here}?before={older}">Older</a></p>"""))}
        {Revocations(sessions, user)}
        """);

    /// <summary>The way to sign everybody out: a reason and a deliberate second step, without script.</summary>
    public Html Everybody() => Html.Of($"""
        <h2>Sign everyone out</h2>
        <p class="m">Ends every session of everybody, yours too. Who signs in afterwards stays signed in.</p>
        <form class="row" method="post" action="{_here}">{Token()}<input name="reason" required maxlength="500" pattern="[^@]*"
        title="No e-mail address: reasons are kept for ever" placeholder="Reason, ticket number" aria-label="Reason for signing everyone out">
        <label><input type="checkbox" name="confirm" value="everyone" required> Everyone, now</label>
        <button name="action" value="everyone">Sign everyone out</button></form>
        """);

    // Ending everything of somebody needs a reason, so it is offered only for whoever was asked for.
    private Html Revocations(IReadOnlyList<SessionRow> sessions, string user) => user.Length == 0
        ? Html.Empty
        : Html.Of($"""
            {sessions.DistinctBy(s => s.Subject).Select(s => Html.Of($"""
                <form class="row" method="post" action="{_here}">{Token()}<input type="hidden" name="subject" value="{s.Subject.Key.ToString()}">
                <input type="hidden" name="user" value="{user}"><span>End everything of {Who(s)}:</span>
                <input name="reason" required maxlength="500" pattern="[^@]*" title="No e-mail address: reasons are kept for ever" placeholder="Reason, ticket number"
                aria-label="Reason"><button name="action" value="revoke">End all</button></form>
                """))}
            """);

    private Html End(SessionRow session, string user) => Html.Of($"""
        <form method="post" action="{_here}">{Token()}<input type="hidden" name="id" value="{session.Id.ToString()}">
        <input type="hidden" name="user" value="{user}"><button name="action" value="end">End</button></form>
        """);

    private Html Token() => Html.Of($"""<input type="hidden" name="token" value="{visitor.FormToken}">""");

    private Html Mark(SessionRow session) =>
        session.Id == visitor.Session.Id ? Html.Of($"""<span class="t">this one</span>""") : Html.Empty;

    private static Html Times(SessionRow session) =>
        Html.Of($"""<td data-l="Signed in">{session.IssuedAt}</td><td data-l="Last seen">{session.SeenAt ?? session.IssuedAt}</td>""");

    private static string Host(SessionRow session) =>
        Uri.TryCreate(session.Subject.Issuer, UriKind.Absolute, out var url) ? url.Authority : session.Subject.Issuer;

    private static string Who(SessionRow session) => (session.Name, session.Email) switch
    {
        (null, null) => session.Subject.Sub,
        (null, { } email) => email,
        ({ } name, null) => name,
        ({ } name, { } email) => $"{name} ({email})",
    };
}
