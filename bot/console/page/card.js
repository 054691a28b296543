// One message as a list item: the bot's as a card with all its parts, a
// person's as what they typed.

import { el } from './dom.js';
import * as clock from './clock.js';

// item renders message m. The view knows who wrote it and remembers what is
// unfolded, and has press(message, button) for a pressed button.
export function item(m, view) {
  const li = el('li', { className: m.from === 'twokey' ? 'message bot' : 'message', id: view.domID(m.id), tabIndex: -1 });
  const body = m.from === 'twokey' ? card(m, view) : el('p', { className: m.text.startsWith('/') ? 'typed command' : 'typed', dir: 'auto' }, m.text);
  li.append(view.avatar(m.from), el('div', { className: 'content' }, head(m, view), body));
  return li;
}

function head(m, view) {
  const line = el('p', { className: 'head' },
    el('strong', {}, view.nameOf(m.from)),
    el('time', { dateTime: m.at, title: clock.day(m.at) }, clock.time(m.at)));
  if (m.edited) line.append(el('span', { className: 'mark' }, 'edited'));
  if (m.private && m.channel !== 'dm') line.append(el('span', { className: 'mark private' }, 'Only you can see this'));
  return line;
}

function card(m, view) {
  const { rich } = m;
  const parts = [
    rich.headline && el('h3', { dir: 'auto' }, rich.headline),
    ...paragraphs(rich.text),
    rich.steps?.length && el('ol', { className: 'steps', role: 'list' }, ...rich.steps.map((s) => el('li', { dir: 'auto' }, s))),
    rich.fields.length && fields(rich.fields),
    rich.table?.header?.length && table(rich.table, rich.headline),
    rich.details.length && details(m, view),
    rich.links?.length && el('ul', { className: 'links' }, ...rich.links.map(link)),
    m.image && picture(m, view),
    m.file && file(m),
    footer(m),
    m.buttons.length && el('div', { className: 'buttons' }, ...m.buttons.map((b) => button(m, b, view))),
  ];
  return el('article', { className: 'card' }, ...parts.filter(Boolean));
}

const paragraphs = (text) => (text ? text.split(/\n{2,}/) : []).map((p) => el('p', { dir: 'auto' }, p));

function fields(list) {
  return el('dl', {}, ...list.map((f) => el('div', {},
    el('dt', { dir: 'auto' }, f.label),
    el('dd', { dir: 'auto', className: f.quoted ? 'quoted' : '' }, f.value))));
}

// details keeps what a reader unfolded unfolded when the message changes.
function details(m, view) {
  const e = el('details', { open: view.unfolded.has(m.id) }, el('summary', {}, 'Details'), fields(m.rich.details));
  e.addEventListener('toggle', () => view.unfolded[e.open ? 'add' : 'delete'](m.id));
  return e;
}

const isNumber = (cell) => /^[+\-−–]?\d[\d.,\u202f\u00a0 ]*\s?(%|pp)?$/.test(cell.trim());

function table(t, headline) {
  const rows = t.rows || [];
  const numeric = t.header.map((_, i) => rows.some((r) => r[i]) && rows.every((r) => !r[i] || isNumber(r[i])));
  const cells = (tag, row) => row.map((c, i) => el(tag, {
    className: numeric[i] ? 'number' : '', dir: 'auto', scope: tag === 'th' ? 'col' : undefined,
  }, c));
  const name = headline || 'Table';
  return el('div', { className: 'table', tabIndex: 0, role: 'group', 'aria-label': name },
    el('table', {},
      el('caption', { className: 'unseen' }, name),
      el('thead', {}, el('tr', {}, ...cells('th', t.header))),
      el('tbody', {}, ...rows.map((r) => el('tr', {}, ...cells('td', r))))));
}

// link follows https alone; any other address is shown as text.
function link(l) {
  const safe = URL.canParse(l.url) && new URL(l.url).protocol === 'https:';
  return el('li', {}, safe
    ? el('a', { href: l.url, rel: 'noopener noreferrer', target: '_blank' }, l.label)
    : `${l.label}: ${l.url}`);
}

function picture(m, view) {
  const img = el('img', { alt: m.image.alt });
  img.addEventListener('load', view.grown);
  img.src = `${m.image.url}?seq=${m.seq}`;
  return el('figure', {}, img);
}

// file offers a file to be kept under its name.
const file = (m) => el('p', { className: 'file', dir: 'auto' }, el('a', { href: m.file.url, download: m.file.name }, m.file.name));

function footer(m) {
  if (!m.rich.footer && !m.request) return null;
  return el('p', { className: 'footer' },
    m.request && el('code', { className: 'request' }, m.request),
    m.rich.footer && el('span', { dir: 'auto' }, m.rich.footer));
}

function button(m, b, view) {
  const e = el('button', { type: 'button', className: b.style, 'data-button': b.id }, b.label);
  if (b.form.length) e.setAttribute('aria-expanded', 'false');
  e.addEventListener('click', () => view.press(m, b));
  return e;
}

// form asks for what a button needs before its press counts. send gets the
// fields and may throw the sentence that refuses them.
export function form(b, domID, { values, keep, send, back }) {
  const wrong = el('p', { className: 'wrong', role: 'alert', hidden: true, id: `${domID}-wrong` });
  const inputs = b.form.map((f) => el('input', {
    type: 'text', name: f.id, id: `${domID}-${f.id}`, required: f.required, value: values[f.id] || '',
    maxLength: f.max_runes || 4000, autocomplete: 'off',
  }));
  const rows = b.form.map((f, i) => el('div', {},
    el('label', { htmlFor: inputs[i].id }, f.label, el('span', { className: 'need' }, f.required ? ' (required)' : ' (optional)')), inputs[i]));
  const e = el('form', { className: 'ask', noValidate: true, 'aria-label': b.label }, ...rows, wrong, el('div', { className: 'buttons' },
    el('button', { type: 'submit', className: b.style === 'plain' ? 'primary' : b.style }, b.label),
    el('button', { type: 'button', className: 'plain', onclick: back }, 'Back')));
  const filled = () => Object.fromEntries(inputs.map((i) => [i.name, i.value]));
  const refuse = (say, input) => {
    wrong.textContent = say;
    wrong.hidden = false;
    for (const i of inputs) i.removeAttribute('aria-invalid');
    input.setAttribute('aria-invalid', 'true');
    input.setAttribute('aria-describedby', wrong.id);
    input.focus();
    e.scrollIntoView({ block: 'nearest' });
  };
  e.addEventListener('input', () => keep(filled()));
  e.addEventListener('keydown', (event) => { if (event.key === 'Escape') back(); });
  e.addEventListener('submit', async (event) => {
    event.preventDefault();
    const missing = inputs.findIndex((i) => i.required && !i.value.trim());
    if (missing >= 0) return refuse(`${b.form[missing].label} is needed.`, inputs[missing]);
    try {
      await send(filled());
    } catch (error) {
      refuse(error.message, inputs[0]);
    }
  });
  return e;
}
