// Control for tests under /__test/: counters, accounts, logout tokens on demand. Loopback development only.
import * as accounts from './accounts.mjs';

const zero = () => ({
  token: 0, authorization_code: 0, refresh_token: 0, other_grant: 0, userinfo: 0, revocation: 0, introspection: 0,
  backchannel_ok: 0, backchannel_error: 0, reuse: 0,
  backchannel_at: 0,       // when the webhook's last 200 came in, ms since 1970: latency is counted from there
});
const counters = zero();
export const count = name => {
  counters[name] += 1;
  if (name === 'backchannel_ok') counters.backchannel_at = performance.timeOrigin + performance.now();
};

/** Counts what arrives, whatever becomes of it: "exactly one refresh" must also see the calls that failed. */
export async function countCalls(ctx, next) {
  const name = { '/token': 'token', '/me': 'userinfo', '/token/revocation': 'revocation', '/token/introspection': 'introspection' }[ctx.path];
  if (name && ctx.method !== 'OPTIONS') count(name);
  try {
    await next();
  } finally {
    if (name === 'token' && ctx.method === 'POST') {
      const grant = ctx.oidc?.params?.grant_type;       // known only after the body has been read
      count(grant === 'authorization_code' || grant === 'refresh_token' ? grant : 'other_grant');
    }
  }
}

const done = ok => ok ? [200, { ok: true }] : [404, { error: 'no such user' }];

async function backchannel(client, query) {
  try {
    await client.backchannelLogout(query.get('user') ?? undefined, query.get('sid') ?? undefined);
    count('backchannel_ok');
    return [200, { ok: true }];
  } catch (e) {
    count('backchannel_error');
    return [502, { error: e.message }];
  }
}

/** Answers a control call with [status, body]. */
export async function control(method, action, query, findClient) {
  const user = query.get('user');
  switch (`${method} ${action}`) {
    case 'GET counters': return [200, counters];
    case 'POST reset': Object.assign(counters, zero()); return [200, counters];
    case 'POST remove-user': return done(accounts.remove(user));
    case 'POST restore-user': return done(accounts.restore(user));
    case 'POST set-groups': return done(accounts.setGroups(user, (query.get('groups') ?? '').split(',').filter(Boolean)));
    case 'POST backchannel': return backchannel(await findClient(), query);
    default: return [404, { error: 'GET counters; POST reset, remove-user, restore-user, set-groups, backchannel' }];
  }
}
