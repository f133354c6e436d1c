// A small OpenID provider for development and tests: real login form, rotating refresh tokens, back-channel logout.
// A program of its own, API_CLIENT_ID with the same secret, gets access tokens (JWT, RFC 9068) for API_AUDIENCE.
// Environment: PORT, HOST, ISSUER, CLIENT_ID, CLIENT_SECRET, PUBLIC_URL, BACKCHANNEL_LOGOUT_URI, API_CLIENT_ID,
// API_AUDIENCE, AT_TTL, RT_TTL, KEYS_FILE.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider, errors, interactionPolicy } from 'oidc-provider';
import * as accounts from './accounts.mjs';
import { control, count, countCalls } from './control.mjs';
import { signingKeys } from './keys.mjs';
import { errorPage, loginPage, logoutPage, signedOutPage } from './pages.mjs';

const env = process.env;
const port = Number(env.PORT ?? 8082);
const host = env.HOST ?? '127.0.0.1';
const issuer = env.ISSUER ?? `http://127.0.0.1:${port}`;
const publicUrl = env.PUBLIC_URL ?? 'http://localhost:8080';
const clientId = env.CLIENT_ID ?? 'eventauth';
const apiAudience = env.API_AUDIENCE ?? 'urn:example:api';
const accessTokenSeconds = Number(env.AT_TTL ?? 300);
// In a container the port may be reached from elsewhere: no control over accounts then.
const controllable = host === '127.0.0.1';

if (!env.CLIENT_SECRET) {
  console.error('CLIENT_SECRET is not set');
  process.exit(2);
}

const client = {
  client_id: clientId,
  client_secret: env.CLIENT_SECRET,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: [`${publicUrl}/auth/callback`],
  post_logout_redirect_uris: [`${publicUrl}/auth/logged-out`],
  token_endpoint_auth_method: 'client_secret_basic',
  id_token_signed_response_alg: 'RS256',
  ...(env.BACKCHANNEL_LOGOUT_URI && { backchannel_logout_uri: env.BACKCHANNEL_LOGOUT_URI, backchannel_logout_session_required: true }),
};

const program = {
  client_id: env.API_CLIENT_ID ?? 'robot',
  client_secret: env.CLIENT_SECRET,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  token_endpoint_auth_method: 'client_secret_basic',
};

function getResourceServerInfo(_, resource) {
  if (resource !== apiAudience) throw new errors.InvalidTarget();
  return { audience: apiAudience, scope: 'api.read', accessTokenFormat: 'jwt', accessTokenTTL: accessTokenSeconds, jwt: { sign: { alg: 'RS256' } } };
}

// Someone whose account is gone must sign in again, even with a session here: oidc-provider asks for the session only.
const policy = interactionPolicy.base();
policy.get('login').checks.add(new interactionPolicy.Check('no_account', 'End-User authentication is required',
  ctx => Boolean(ctx.oidc.session.accountId) && !ctx.oidc.account));

const html = (ctx, body) => { ctx.type = 'html'; ctx.body = body; };

/** Our only application is our own: signing in is consent. */
async function loadExistingGrant(ctx) {
  const { client: { clientId: id }, session, params } = ctx.oidc;
  const known = session.grantIdFor(id);
  const grant = (known && await provider.Grant.find(known)) || new provider.Grant({ clientId: id, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
}

const provider = new Provider(issuer, {
  jwks: signingKeys(env.KEYS_FILE),
  clients: [client, program],
  cookies: { keys: [randomBytes(24).toString('hex')] },
  pkce: { required: () => true },
  scopes: ['openid', 'offline_access', 'profile', 'email'],
  claims: { openid: ['sub', 'groups', 'roles'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,          // the ID token carries the claims too, not userinfo alone
  clockTolerance: 0,                    // the default of 15 s would keep an expired access token alive
  rotateRefreshToken: true,             // a token that comes a second time ends its whole grant
  issueRefreshToken: async (_, c) => c.grantTypeAllowed('refresh_token'),
  findAccount: accounts.findAccount,
  loadExistingGrant,
  interactions: { policy, url: (_, interaction) => `/interaction/${interaction.uid}` },
  ttl: {
    AccessToken: accessTokenSeconds, IdToken: accessTokenSeconds, RefreshToken: Number(env.RT_TTL ?? 14 * 86400),
    AuthorizationCode: 60, Interaction: 600, Session: 86400, Grant: 14 * 86400,
  },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: { enabled: true, getResourceServerInfo },
    revocation: { enabled: true },
    userinfo: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: async (ctx, form) => html(ctx, logoutPage(form)),
      postLogoutSuccessSource: async ctx => html(ctx, signedOutPage()),
    },
  },
  renderError: (ctx, error) => { if (ctx.accepts('json', 'html') === 'html') html(ctx, errorPage(error)); else ctx.body = error; },
  // The default dispatcher refuses loopback addresses, and on loopback is where our back-channel listener is.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
});

provider.use(countCalls);
provider.on('grant.error', (_, e) => {
  if (/already used/.test(e.error_detail ?? '')) count('reuse');
  console.log(`token refused: ${e.error} (${e.error_detail ?? e.error_description})`);
});
provider.on('backchannel.success', (_, c, account, sid) => { count('backchannel_ok'); console.log(`logout told to ${c.clientId}: ${account} ${sid}`); });
provider.on('backchannel.error', (_, e, c, account) => { count('backchannel_error'); console.log(`logout not told to ${c?.clientId}: ${account}: ${e.message}`); });
provider.on('server_error', (_, e) => console.error(e));

async function formOf(req) {
  let text = '';
  for await (const chunk of req) {
    text += chunk;
    if (text.length > 10_000) throw new Error('form too long');
  }
  return new URLSearchParams(text);
}

function sendPage(res, status, body) {
  // No form-action here: browsers apply it to redirects too, and ours ends at the application.
  res.writeHead(status, {
    'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  });
  res.end(body);
}

async function interact(req, res, uid) {
  const action = `/interaction/${uid}`;
  if (req.method !== 'POST') {
    await provider.interactionDetails(req, res);                       // throws when it is over or another browser's
    return sendPage(res, 200, loginPage({ action, users: accounts.names() }));
  }
  const form = await formOf(req);
  const user = form.get('user') ?? '';
  if (!accounts.passwordIs(user, form.get('password'))) {
    return sendPage(res, 401, loginPage({ action, users: accounts.names(), user, error: 'User or password is wrong.' }));
  }
  return provider.interactionFinished(req, res, { login: { accountId: user, amr: ['pwd'] } }, { mergeWithLastSubmission: false });
}

async function answerControl(req, res, url) {
  const [status, body] = await control(req.method, url.pathname.slice('/__test/'.length), url.searchParams, () => provider.Client.find(clientId));
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const oidc = provider.callback();
const server = createServer(async (req, res) => {
  try {
    const url = new URL(req.url, issuer);
    const interaction = /^\/interaction\/([\w-]+)$/.exec(url.pathname);
    if (interaction) await interact(req, res, interaction[1]);
    else if (controllable && url.pathname.startsWith('/__test/')) await answerControl(req, res, url);
    else oidc(req, res);
  } catch (e) {
    const expired = e.name === 'SessionNotFound';
    if (!expired) console.error(e);
    if (!res.headersSent) sendPage(res, expired ? 400 : 500, errorPage({ error: expired ? 'This sign-in is over. Start again in the application.' : 'server_error' }));
  }
});
server.listen(port, host, () => console.log(`IdP ${issuer} ready`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
