using System.Security.Cryptography;
using System.Text;

namespace EventAuth.Gateway.Pages;

/// <summary>What a page needs beyond text.</summary>
internal enum PageForm
{
    /// <summary>Text and links.</summary>
    Plain = 0,

    /// <summary>A form that may end in a redirect to the IdP.</summary>
    Form,

    /// <summary>Forms and tables on a wide page.</summary>
    Wide,
}

/// <summary>
/// The frame of every page: no script, no external resource, nothing that may be framed or cached. The base style is kept
/// small, since some pages go through a proxy's limit for answers of an auth server (2 kB).
/// </summary>
internal static class Page
{
    private const string BaseStyle = """
        :root{color-scheme:light dark;--b:#fff;--f:#1b1f24;--m:#59636e;--l:#d0d7de;--a:#0a58ca}
        @media(prefers-color-scheme:dark){:root{--b:#14171a;--f:#e6e8ea;--m:#9aa4ae;--l:#3a4149;--a:#6ea8fe}}
        body{margin:0;background:var(--b);color:var(--f);font:16px/1.5 system-ui,sans-serif}
        main{max-width:34rem;margin:12vh auto;padding:0 1.2rem}h1{font-size:1.4rem}a{color:var(--a)}.m{color:var(--m);font-size:.875rem}
        button,input{font:inherit;padding:.3rem .8rem;border:1px solid var(--l);border-radius:6px;background:none;color:inherit}
        button{cursor:pointer}.p{background:var(--a);border-color:var(--a);color:var(--b)}
        """;

    private const string WideStyle = BaseStyle + """

        main{max-width:64rem;margin:5vh auto}h2{font-size:1.1rem;margin:2.2rem 0 .6rem}
        header,.row{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:center}header h1{margin:0;flex:1 1 auto}.row input{flex:1 1 16rem;max-width:24rem}
        table{border-collapse:collapse;width:100%;margin:.6rem 0}th,td{text-align:left;padding:.5rem .9rem .5rem 0;border-bottom:1px solid var(--l);vertical-align:middle}
        th{font-size:.8rem;font-weight:600;color:var(--m)}td:last-child,th:last-child{text-align:right;padding-right:0}
        .t{border:1px solid var(--a);color:var(--a);border-radius:1rem;padding:0 .5rem;font-size:.8rem;white-space:nowrap}
        code{font-size:.8rem;color:var(--m);word-break:break-all}button:focus-visible,input:focus-visible,a:focus-visible{outline:2px solid var(--a);outline-offset:2px}
        @media(max-width:44rem){thead{display:none}td[data-l]:before{content:attr(data-l) ' ';color:var(--m);font-size:.8rem}td{display:block;border:0;padding:.1rem 0}td:last-child{text-align:left}tr{display:block;border-bottom:1px solid var(--l);padding:.7rem 0}}
        """;

    private static readonly string BaseHash = Hash(BaseStyle);
    private static readonly string WideHash = Hash(WideStyle);

    /// <summary>Writes a page.</summary>
    public static Task WriteAsync(HttpContext http, int status, string title, Html content, PageForm form, CancellationToken ct)
    {
        var (style, hash) = form == PageForm.Wide ? (WideStyle, WideHash) : (BaseStyle, BaseHash);
        var page = Html.Of($"""
            <!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <title>{title}</title><style>{new Html(style)}</style></head><body><main>
            {content}
            </main></body></html>

            """);
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html; charset=utf-8";
        Protect(http.Response.Headers, hash, form);
        return http.Response.WriteAsync(page.Text, ct);
    }

    private static void Protect(IHeaderDictionary headers, string styleHash, PageForm form)
    {
        // Browsers apply form-action to redirects too, and signing out ends at the IdP, perhaps at another one behind it.
        var action = form == PageForm.Plain ? "'none'" : "'self' https: http://localhost:* http://127.0.0.1:*";
        headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src 'sha256-{styleHash}'; form-action {action}; base-uri 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.CacheControl = "no-store";
        // Not no-referrer: it turns the Origin of our own forms into "null".
        headers["Referrer-Policy"] = "same-origin";
    }

    private static string Hash(string style) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style)));
}
