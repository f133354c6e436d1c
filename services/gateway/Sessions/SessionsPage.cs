using EventAuth.Adapters.Postgres;
using EventAuth.Adapters.Settings;
using EventAuth.Contracts;
using EventAuth.Domain.Access;
using EventAuth.Gateway.Cookies;
using EventAuth.Gateway.Login;
using EventAuth.Gateway.Pages;

namespace EventAuth.Gateway.Sessions;

/// <summary>
/// <c>/auth/sessions</c>: where somebody is signed in, and an end to it. Those whom a rule names for <c>GET /api/sessions</c>
/// also see others. The ids in the forms are hashes: nobody can make a cookie of them.
/// </summary>
internal sealed class SessionsPage(
    Visitors visitors, SessionIndex index, AuditQueries queries, SessionActions actions, OwnRules rules, LoginStart login,
    ReturnHosts hosts, EventAuthSettings settings, SessionsLog log)
{
    private const string Path = "/auth/sessions";
    private const string Api = "/api/sessions";
    private const int PerPage = 50;
    private const int MaxSubjects = 10;
    private const int MaxFilterLength = 200;

    private static readonly Problem Refused = new(
        StatusCodes.Status403Forbidden, "not-allowed", "This was not done", "It was not sent from this page, or it is not yours to do.");

    public static Task GetAsync(HttpContext http, SessionsPage page, CancellationToken ct) => page.ShowAsync(http, ct);

    public static Task PostAsync(HttpContext http, SessionsPage page, CancellationToken ct) => page.ActAsync(http, ct);

    private async Task ShowAsync(HttpContext http, CancellationToken ct)
    {
        if (await visitors.FindAsync(http, ct) is not { } visitor)
        {
            await login.RedirectAsync(http, ReturnUrl.TryParse(Path, hosts, out var here) ? here : ReturnUrl.Home, settings.PublicUrl.IdnHost, ct);
            return;
        }

        var own = await index.ListAsync(visitor.Key, live: true, before: null, PerPage, ct);
        var html = new SessionsHtml(visitor, settings);
        var others = rules.Admit(visitor, HttpMethods.Get, Api) ? await ShowOthersAsync(http.Request.Query, visitor, html, ct) : Html.Empty;
        var everybody = actions.MayRevokeEverybody(visitor) ? html.Everybody() : Html.Empty;
        var content = Html.Of($"{html.Head()}{html.Own([.. own.Where(s => !s.IsOver)])}{others}{everybody}");
        await Page.WriteAsync(http, StatusCodes.Status200OK, "Your sessions", content, PageForm.Wide, ct);
    }

    private async Task<Html> ShowOthersAsync(IQueryCollection query, Visitor visitor, SessionsHtml html, CancellationToken ct)
    {
        var user = query["user"] is [{ Length: > 0 and <= MaxFilterLength } text] && !text.Any(char.IsControl) ? text.Trim() : "";
        var before = query["before"] is [{ } cursor] && SessionCursor.TryParse(cursor, out var at) ? at : null;
        log.Read(visitor.Key, subject: null);

        var rows = new List<SessionRow>();
        if (user.Length == 0)
        {
            rows.AddRange(await index.ListAsync(subject: null, live: true, before, PerPage, ct));
        }
        else
        {
            foreach (var key in await queries.SubjectsAsync(user, MaxSubjects, ct))
            {
                rows.AddRange(await index.ListAsync(key, live: true, before: null, PerPage, ct));
            }
        }

        var older = user.Length == 0 && rows.Count == PerPage ? SessionCursor.Of(rows[^1]) : null;
        return html.Others([.. rows.Where(s => !s.IsOver)], user, older);
    }

    private async Task ActAsync(HttpContext http, CancellationToken ct)
    {
        // Read, load.
        var ours = !CrossSite.Sent(http.Request, settings);
        var form = ours ? await OwnForm.ReadAsync(http, ct) : null;
        var visitor = await visitors.FindAsync(http, ct);
        if (visitor is null && ours)
        {
            SeeOther(http, Path);
            return;
        }

        // Decide, act, answer.
        var problem = form is null || visitor is null || !visitor.Signed(One(form, "token")) ? Refused : await DoAsync(http, visitor, form, ct);
        if (problem is not null)
        {
            log.Refused(visitor?.Key, HttpMethods.Post, Path, problem.Code);
            await ErrorPage.WriteAsync(http, problem, incident: null, OwnUrl.Of(settings, Path), ct);
            return;
        }

        SeeOther(http, One(form!, "user") is { Length: > 0 } user ? $"{Path}?user={Uri.EscapeDataString(user)}" : Path);
    }

    private async Task<Problem?> DoAsync(HttpContext http, Visitor visitor, IFormCollection form, CancellationToken ct)
    {
        var correlation = $"request:{http.TraceIdentifier}";
        switch (One(form, "action"))
        {
            case "others":
                await actions.EndOthersAsync(visitor, correlation, ct);
                return null;
            case "end" when SessionId.TryParse(One(form, "id"), out var id):
                var done = await actions.EndAsync(visitor, id, reason: null, HttpMethods.Delete, $"{Api}/{id}", correlation, ct);
                if (done is Ending.Done && id == visitor.Session.Id)
                {
                    SessionCookie.Clear(http.Response, settings.Session, OwnUrl.IsSecure(settings));
                }

                return done is Ending.NotAllowed ? Refused : null;
            case "revoke" or "everyone" when ApiRequest.FaultOf(One(form, "reason")) is { } fault:
                return new Problem(fault.Status, fault.Code, "This was not done", fault.Detail);
            case "revoke" when SubjectKey.TryParse(One(form, "subject"), out var key):
                var revoked = await actions.RevokeAsync(
                    visitor, key, One(form, "reason")!, HttpMethods.Post, $"/api/subjects/{key}/revoke", correlation, ct);
                return revoked is Ending.NotAllowed ? Refused : null;
            case "everyone" when One(form, "confirm") == "everyone":
                var everyone = await actions.RevokeEverybodyAsync(visitor, One(form, "reason")!, correlation);
                if (everyone is Ending.Done)
                {
                    SessionCookie.Clear(http.Response, settings.Session, OwnUrl.IsSecure(settings));
                }

                return everyone is Ending.NotAllowed ? Refused : null;
            default:
                return Refused;
        }
    }

    private void SeeOther(HttpContext http, string pathAndQuery)
    {
        http.Response.StatusCode = StatusCodes.Status303SeeOther;
        http.Response.Headers.Location = OwnUrl.Of(settings, pathAndQuery);
        http.Response.Headers.CacheControl = "no-store";
    }

    private static string? One(IFormCollection form, string name) => form[name] is [{ } value] ? value : null;
}
