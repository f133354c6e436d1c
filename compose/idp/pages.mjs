// The IdP's pages: plain HTML without scripts, so that they work in any browser and in curl.

const style = `
  :root { color-scheme: light dark; --accent: #2f5bd7; }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
         font: 16px/1.5 system-ui, sans-serif; background: light-dark(#eef1f6, #14171d); color: light-dark(#1b2230, #e6e9ef); }
  main { width: 100%; max-width: 24rem; padding: 2rem; border-radius: .75rem;
         background: light-dark(#fff, #1e232c); box-shadow: 0 1px 3px #0003, 0 8px 30px #0002; }
  small { color: light-dark(#5c6677, #9aa4b5); }
  h1 { margin: .25rem 0 1rem; font-size: 1.4rem; }
  label { display: block; margin: .9rem 0; font-weight: 600; }
  input { display: block; width: 100%; margin-top: .25rem; padding: .6rem .7rem; font: inherit;
          border: 1px solid light-dark(#b6bfce, #4a5466); border-radius: .4rem; background: transparent; color: inherit; }
  button { width: 100%; margin-top: .6rem; padding: .7rem; font: inherit; font-weight: 600; cursor: pointer;
           border: 1px solid var(--accent); border-radius: .4rem; background: var(--accent); color: #fff; }
  button.quiet { background: transparent; color: inherit; border-color: light-dark(#b6bfce, #4a5466); }
  :focus-visible { outline: 3px solid #7c9cff; outline-offset: 1px; }
  .hint { margin-top: 1.4rem; padding-top: 1rem; border-top: 1px solid #8884; font-size: .9rem; }
  .error { padding: .6rem .8rem; border-radius: .4rem; background: light-dark(#fde8e8, #4a1f24); color: light-dark(#8b1620, #ffc9ce); }
  code { font-family: ui-monospace, monospace; }`;

export const escape = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);

const page = (title, body) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title><style>${style}</style></head>
<body><main><small>Development IdP</small><h1>${escape(title)}</h1>${body}</main></body></html>`;

export const loginPage = ({ action, users, user = '', error }) => page('Sign in', `
${error ? `<p class="error" role="alert">${escape(error)}</p>` : ''}
<form method="post" action="${escape(action)}">
  <label>User <input name="user" value="${escape(user)}" autocomplete="username" autocapitalize="none" required autofocus></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
</form>
<p class="hint">Users: ${users.map(u => `<code>${escape(u)}</code>`).join(', ')}. The password is the user name.</p>`);

// oidc-provider brings the form with its own request-forgery token; our buttons belong to it by its id.
export const logoutPage = form => page('Sign out?', `
<p>You are about to sign out here and in every application that you opened with this sign-in.</p>
${form}
<button form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button form="op.logoutForm" class="quiet">Stay signed in</button>`);

export const signedOutPage = () => page('Signed out', '<p>You are signed out. You can close this window.</p>');

export const errorPage = error => page('That did not work',
  `<p class="error">${escape(error.error_description ?? error.error)}</p><p><small><code>${escape(error.error)}</code></small></p>`);
