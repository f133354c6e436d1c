// The application behind the edge: it says what reached it. Environment: PORT, HOST.
import { createServer } from 'node:http';

const port = Number(process.env.PORT ?? 8081);
const host = process.env.HOST ?? '127.0.0.1';
const identity = ['x-forwarded-user', 'x-forwarded-user-email', 'x-forwarded-user-name', 'x-forwarded-user-groups',
  'x-user-groups', 'x-user-roles', 'x-auth-request-user', 'x-auth-request-email', 'x-auth-request-groups'];
let hits = 0;

const escape = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);
const wantsPage = accept => /text\/html/.test(accept ?? '') && !/^application\/json/.test(accept);

const page = (req, user) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Echo</title><style>
:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #8884; overflow-wrap: anywhere }
th { font-weight: 500; white-space: nowrap } a { margin-right: 1rem }
</style></head><body><h1>${user ? `Hello, ${escape(user)}` : 'Hello, stranger'}</h1>
<p>The application behind EventAuth. <code>${escape(req.method)} ${escape(req.url)}</code> reached it with this identity:</p>
<table>${identity.map(name => `<tr><th scope="row">${name}</th><td>${escape(req.headers[name] ?? '(not sent)')}</td></tr>`).join('')}</table>
<p><a href="/">Home</a><a href="/public/">Public</a><a href="/admin/">Admins only</a><a href="/auth/sessions">My sessions</a><a href="/auth/logout">Sign out</a></p>
</body></html>`;

const server = createServer((req, res) => {
  req.resume();
  if (req.url === '/__hits') return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ hits }));
  hits += 1;
  const html = wantsPage(req.headers.accept);
  res.writeHead(200, { 'content-type': html ? 'text/html; charset=utf-8' : 'application/json', 'cache-control': 'no-store' });
  if (html) return res.end(page(req, req.headers['x-forwarded-user']));
  return res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers, rawHeaders: req.rawHeaders }, null, 2));
});
server.listen(port, host, () => console.log(`echo app ready on ${host}:${port}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
