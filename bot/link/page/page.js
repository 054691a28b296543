// The passkeys of the linking page. Everything else of it works without a script.
'use strict';

const all = (selector) => [...document.querySelectorAll(selector)];

// say shows one of the sentences that wait in the page, or one that was sent.
function say(when, text) {
  for (const said of all('.said')) {
    said.hidden = said.dataset.when !== when;
    if (!said.hidden && text) said.textContent = text;
  }
}

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
const word = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const named = (list) => (list || []).map((c) => ({ ...c, id: bytes(c.id) }));

async function send(to, body) {
  const answer = await fetch('/link/passkey/' + to, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body || {}),
  });
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(said.say), { say: said.say });
  return said;
}

async function use() {
  const { publicKey: o } = await send('ask');
  const key = await navigator.credentials.get({ publicKey: { ...o, challenge: bytes(o.challenge), allowCredentials: named(o.allowCredentials) } });
  const r = key.response;
  const { next } = await send('use', {
    id: key.id, rawId: word(key.rawId), type: key.type, clientExtensionResults: key.getClientExtensionResults(),
    response: {
      authenticatorData: word(r.authenticatorData), clientDataJSON: word(r.clientDataJSON), signature: word(r.signature),
      userHandle: r.userHandle ? word(r.userHandle) : undefined,
    },
  });
  location.assign(next);
}

async function make(button) {
  const { publicKey: o } = await send('make');
  const key = await navigator.credentials.create({
    publicKey: { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: named(o.excludeCredentials) },
  });
  const r = key.response;
  await send('keep', {
    id: key.id, rawId: word(key.rawId), type: key.type, clientExtensionResults: key.getClientExtensionResults(),
    authenticatorAttachment: key.authenticatorAttachment || undefined,
    response: { attestationObject: word(r.attestationObject), clientDataJSON: word(r.clientDataJSON), transports: r.getTransports ? r.getTransports() : [] },
  });
  for (const done of [button, ...all('[data-offer]')]) done.hidden = true;
  say('kept');
}

if (!window.PublicKeyCredential || !navigator.credentials) {
  say('unable');
  for (const button of all('[data-passkey]')) button.hidden = true;
}

// The buttons are off until here, so that none is pressed in vain.
for (const button of all('[data-passkey]')) {
  button.disabled = false;
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      await (button.dataset.passkey === 'use' ? use() : make(button));
    } catch (error) {
      say('broken', error.say);
    } finally {
      button.disabled = false;
    }
  });
}

// A page that is kept for the way back must not hold what was shown once.
addEventListener('pagehide', () => { for (const secret of all('[data-secret]')) secret.textContent = ''; });
