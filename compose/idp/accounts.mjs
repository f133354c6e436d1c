// Who can sign in. Everything lives in memory: a restart forgets sign-ins, removals and changed groups.

const people = new Map([
  ['alice', { name: 'Alice Example', groups: ['admins', 'staff'], roles: ['admin'] }],
  ['bob', { name: 'Bob Example', groups: ['staff'], roles: ['user'] }],
]);
const removed = new Set();

export const names = () => [...people.keys()];
export const exists = user => people.has(user) && !removed.has(user);
export const passwordIs = (user, password) => exists(user) && password === user;
export const remove = user => people.has(user) && !!removed.add(user);
export const restore = user => people.has(user) && (removed.delete(user), true);

export function setGroups(user, groups) {
  if (!people.has(user)) return false;
  people.get(user).groups = groups;
  return true;
}

// A removed account is not found: oidc-provider then answers invalid_grant to a refresh and 401 to userinfo.
export const findAccount = (_, id) => exists(id) ? {
  accountId: id,
  claims: () => ({ sub: id, preferred_username: id, email: `${id}@example.test`, email_verified: true, ...people.get(id) }),
} : undefined;
