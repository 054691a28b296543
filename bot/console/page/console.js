// The page: who one is, what is unread, and one or two panes.

import * as api from './api.js';
import * as clock from './clock.js';
import { avatar, channelName, el, number, redraw, roles } from './dom.js';
import { Pane } from './pane.js';

const $ = (id) => document.getElementById(id);
const refreshEvery = 2000; // milliseconds; for the clock and for the unread marks of others

class Page {
  constructor(people, about) {
    this.people = people;
    this.read_ = new Map(); // "person/channel" → number of the last message read
    this.seen = new Map(); // person → number of the last message there was when they were last looked at
    this.panes = [];
    this.notes(about.notes);
    clock.start((say) => this.trouble(say));
    $('split').addEventListener('click', () => this.split(this.panes.length === 1));
    document.addEventListener('visibilitychange', () => this.panes.forEach((p) => p.mark()));
    this.restore();
    setInterval(() => this.refresh(), refreshEvery);
  }

  notes(list) {
    $('notes').hidden = list.length === 0;
    const wide = matchMedia('(min-width: 760px)');
    const unfold = () => { $('notes').querySelector('details').open = wide.matches; };
    wide.addEventListener('change', unfold);
    unfold();
    $('notes').querySelector('ul').replaceChildren(...list.map((n) => el('li', {}, n)));
  }

  // restore opens what the address names: "#ada/dm" or, split, "#ada/dm+bea/team".
  restore() {
    const wanted = decodeURIComponent(location.hash.slice(1)).split('+').slice(0, 2).map((s) => s.split('/'));
    for (const [id, channel] of wanted) {
      const person = this.personOf(id) || this.people[this.panes.length] || this.people[0];
      this.add(person, person.channels.includes(channel) ? channel : 'dm');
    }
  }

  add(person, channel) {
    const pane = new Pane(this, `pane${this.panes.length + 1}`);
    this.panes.push(pane);
    $('panes').append(pane.root);
    this.choose(pane, person.id, channel);
  }

  split(two) {
    if (two) {
      const other = this.people.find((p) => p.roles.includes('approver') && p.id !== this.panes[0].person.id);
      this.add(other || this.people.find((p) => p.id !== this.panes[0].person.id) || this.people[0], 'dm');
    } else {
      this.panes.pop().close();
      this.save();
    }
  }

  choose(pane, id, channel) {
    pane.be(this.personOf(id), channel);
    this.save();
  }

  save() {
    document.body.classList.toggle('is-split', this.panes.length > 1);
    $('split').setAttribute('aria-pressed', String(this.panes.length > 1));
    history.replaceState(null, '', '#' + this.panes.map((p) => `${p.person.id}/${p.channel}`).join('+'));
    this.drawSide();
  }

  // refresh reads the clock and who has something new.
  async refresh() {
    if (document.hidden) return;
    try {
      const [people] = await Promise.all([api.people(), clock.refresh()]);
      this.people = people;
      this.panes.forEach((p) => p.drawHead());
      this.drawSide();
    } catch {
      // The panes say that the connection is lost; this is tried again.
    }
  }

  personOf(id) { return this.people.find((p) => p.id === id); }

  indexOf(id) { return Math.max(0, this.people.findIndex((p) => p.id === id)); }

  read(person, channel, n) {
    this.read_.set(`${person}/${channel}`, Math.max(n, this.readUpTo(person, channel)));
    this.seen.set(person, Math.max(n, this.seen.get(person) || 0));
  }

  readUpTo(person, channel) { return this.read_.get(`${person}/${channel}`) || 0; }

  // hasNew tells whether somebody got a message since they were last looked at.
  hasNew(person) {
    const pane = this.panes.find((p) => p.person?.id === person.id);
    if (pane) return person.channels.some((c) => pane.unread(c) > 0);
    return number(person.latest) > (this.seen.get(person.id) || 0);
  }

  // announce tells a screen reader; what comes at the same moment is read one
  // after the other.
  announce(say) {
    $('status').append(el('p', {}, say));
    while ($('status').children.length > 10) $('status').firstChild.remove();
  }

  trouble(say) {
    $('trouble').textContent = say;
    $('trouble').hidden = false;
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => { $('trouble').hidden = true; }, 8000);
  }

  // drawSide draws who one can be and the first pane's conversations.
  drawSide() {
    const pane = this.panes[0];
    if (!pane?.person) return;
    redraw($('people'), [pane.person.id, this.people.map((p) => this.hasNew(p))],
      () => this.people.map((p) => el('li', {}, this.personButton(p, pane))));
    redraw($('conversations'), pane.conversations(),
      () => pane.person.channels.map((c) => el('li', {}, this.conversation(pane, c))));
    const unread = this.panes.reduce((n, p) => n + (p.person ? p.person.channels.reduce((k, c) => k + p.unread(c), 0) : 0), 0);
    document.title = unread ? `(${unread}) Twokey` : 'Twokey';
  }

  personButton(p, pane) {
    const current = pane.person.id === p.id;
    return el('button', {
      type: 'button', className: 'person', 'data-key': 'person-' + p.id, 'aria-current': current ? 'true' : undefined,
      onclick: () => this.choose(pane, p.id, 'dm'),
    },
    avatar(el('span', { className: 'avatar', 'aria-hidden': 'true' }), p, this.indexOf(p.id)),
    el('span', { className: 'name' }, p.name),
    el('span', { className: 'roles' }, ...roles(p)),
    !current && this.hasNew(p) && el('span', { className: 'dot' }, el('span', { className: 'unseen' }, 'has new messages')));
  }

  // conversation is the button of one of a pane's conversations.
  conversation(pane, channel) {
    const unread = pane.unread(channel);
    return el('button', {
      type: 'button', className: 'conversation', 'data-key': `${pane.id}-${channel}`,
      'aria-current': pane.channel === channel ? 'true' : undefined,
      onclick: () => this.choose(pane, pane.person.id, channel),
    }, el('span', {}, channelName(channel)), unread > 0 && el('span', { className: 'count' }, String(unread), el('span', { className: 'unseen' }, ' unread')));
  }

  drawPicker(select, chosen) {
    redraw(select, [chosen, this.people.map((p) => this.hasNew(p))], () => this.people.map((p) => el('option', {
      value: p.id, selected: p.id === chosen,
    }, p.name + (p.id !== chosen && this.hasNew(p) ? ' • new' : ''))));
  }
}

addEventListener('hashchange', () => location.reload()); // somebody typed another address

try {
  const [people, about] = await Promise.all([api.people(), clock.refresh()]);
  new Page(people, about);
} catch (error) {
  $('trouble').textContent = error.message;
  $('trouble').hidden = false;
}
