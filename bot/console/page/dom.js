// Small helpers to build the page. Whatever is shown goes in as text, so
// nothing that a person or a tenant object is called can become markup.

// el makes an element. Properties whose name has a dash, and role, are set as
// attributes; children are elements or strings, and empty ones are left out.
export function el(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.includes('-') || name === 'role') e.setAttribute(name, value === true ? '' : value);
    else e[name] = value;
  }
  e.append(...children.filter((c) => c || c === 0));
  return e;
}

const drawn = new WeakMap();

// redraw fills root with the elements that build returns, unless it shows the
// same state already: an element that is replaced between the press and the
// release of a finger never gets the click. The focus stays on what has the
// same data-key.
export function redraw(root, state, build) {
  const now = JSON.stringify(state);
  if (drawn.get(root) === now) return;
  drawn.set(root, now);
  const key = root.contains(document.activeElement) && document.activeElement.dataset.key;
  root.replaceChildren(...build());
  if (key) root.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

// avatar fills a round mark with a person's initials, in a colour of their own.
export function avatar(e, person, index) {
  e.textContent = person.name.split(/\s+/).map((w) => [...w][0]).slice(0, 2).join('');
  e.dataset.hue = index % 6;
  return e;
}

// roles are a person's roles as chips.
export function roles(person) {
  return (person.roles.length ? person.roles : ['staff']).map((r) => el('span', { className: 'chip' }, r));
}

// channelName is a conversation's name as it is shown; one's own messages with
// the bot go by the bot's name.
export function channelName(channel) {
  return channel === 'dm' ? 'Twokey' : '#' + channel;
}

// number is the ordinal in a message ID: "m000012" is 12.
export function number(id) {
  return id ? Number(id.slice(1)) : 0;
}
