// A pane is one person looking at one conversation, live.

import * as api from './api.js';
import * as clock from './clock.js';
import { item, form } from './card.js';
import { Composer } from './composer.js';
import { avatar, channelName, el, number, redraw, roles } from './dom.js';

export class Pane {
  // host knows the people, what they have read, and is told of changes.
  constructor(host, id) {
    this.host = host;
    this.id = id;
    this.messages = new Map(); // by ID, what the person sees
    this.unfolded = new Set();
    this.asking = null; // the form that stands open: {message, button, values}
    this.early = null; // what the stream brings while the list is on its way
    this.root = document.getElementById('pane').content.firstElementChild.cloneNode(true);
    this.part = (selector) => this.root.querySelector(selector);
    this.composer = new Composer(this.part('.composer'), id, (text) => api.say(this.person.id, this.channel, text));
    this.scroll = this.part('.scroll');
    this.grown = () => this.stay();
    this.atEnd = true;
    this.scroll.addEventListener('scroll', () => this.scrolled());
    new ResizeObserver(this.grown).observe(this.scroll); // a phone's keyboard, for one
    this.part('.newer').addEventListener('click', () => this.toEnd());
    this.part('select').addEventListener('change', (event) => this.host.choose(this, event.target.value, 'dm'));
  }

  // be makes the pane that person's, in that conversation.
  be(person, channel) {
    if (this.person?.id !== person.id) {
      this.leave?.();
      this.messages.clear();
      this.unfolded.clear();
      this.asking = null;
      this.composer.learn([]);
      this.person = person;
      this.follow();
    }
    this.channel = channel;
    this.asking = null;
    this.atEnd = true;
    this.composer.aim(`Message as ${person.name} in ${channelName(channel)}`,
      channel === 'dm' ? 'Ask, or type / for commands' : `Write to #${channel}, or type /`);
    this.draw();
    this.toEnd();
  }

  close() {
    this.leave?.();
    this.root.remove();
  }

  // follow loads what the person sees whenever the stream stands anew, and
  // then takes what the stream brings.
  follow() {
    const { id } = this.person;
    const current = () => this.person?.id === id;
    this.leave = api.follow(id, {
      opened: async () => {
        this.early = new Map();
        try {
          const [all, commands] = await Promise.all([api.messages(id), api.commands(id)]);
          if (!current()) return;
          this.composer.learn(commands);
          this.replace(all);
          this.offline('');
        } catch (error) {
          if (current()) this.offline(error.message);
        }
      },
      message: (m) => current() && this.arrived(m),
      lost: () => current() && this.offline('The connection is lost. Trying again …'),
    });
  }

  offline(say) {
    const e = this.part('.offline');
    if (e.textContent !== say) e.textContent = say;
    this.root.classList.toggle('is-offline', Boolean(say));
  }

  // replace takes a whole list, and what the stream brought while it was on
  // its way where that is newer.
  replace(all) {
    this.messages = new Map(all.map((m) => [m.id, m]));
    for (const m of this.early.values()) {
      if (m.seq > (this.messages.get(m.id)?.seq || 0)) this.messages.set(m.id, m);
    }
    this.early = null;
    this.draw();
    if (this.atEnd) this.toEnd();
  }

  arrived(m) {
    const old = this.messages.get(m.id);
    if (old && old.seq >= m.seq) return;
    this.messages.set(m.id, m);
    this.early?.set(m.id, m);
    if (m.from !== this.person.id) {
      const what = m.edited ? 'changed' : 'new';
      this.host.announce(`${this.person.name}, ${channelName(m.channel)}, ${what}: ${m.rich.notice}`);
    }
    if (m.channel === this.channel) this.put(m, Boolean(old));
    this.mark();
  }

  // put shows one message that came or changed, without taking the reader's
  // place or focus from them.
  put(m, isEdit) {
    const old = document.getElementById(this.domID(m.id));
    const fresh = item(m, this);
    if (!old) {
      this.part('.welcome')?.remove();
      this.newDay(m);
      this.part('.messages').append(fresh);
      if (m.from === this.person.id || (this.atEnd && !this.asking)) this.toEnd();
      else this.part('.newer').hidden = false;
    } else {
      const focused = old.contains(document.activeElement) ? document.activeElement : null;
      const atBottom = this.bottom() - this.scroll.scrollTop < 60;
      old.replaceWith(fresh);
      this.refocus(m, fresh, focused);
      if (atBottom) this.scroll.scrollTop = this.bottom();
    }
    fresh.classList.add(isEdit ? 'changed' : 'came');
  }

  // refocus opens a form again that stood in a message before it changed, and
  // puts the focus back where it was, or on the message if that is gone.
  refocus(m, fresh, focused) {
    const { asking } = this;
    const b = asking?.message === m.id && m.buttons.find((x) => x.id === asking.button);
    if (b) this.ask(m, b, asking.values);
    else if (asking?.message === m.id) this.asking = null;
    if (!focused) return;
    const again = focused.id ? document.getElementById(focused.id)
      : focused.dataset.button && fresh.querySelector(`[data-button="${CSS.escape(focused.dataset.button)}"]`);
    (again || fresh).focus();
  }

  press(m, b) {
    if (!b.form.length) return this.send(m, b, {}).catch((error) => this.host.trouble(error.message));
    if (this.asking?.message === m.id && this.asking.button === b.id) return this.unask();
    this.unask();
    this.ask(m, b, {}).querySelector('input').focus();
  }

  // ask opens the form of a button under it.
  ask(m, b, values) {
    const li = document.getElementById(this.domID(m.id));
    this.asking = { message: m.id, button: b.id, values };
    const e = form(b, `${li.id}-${b.id}`, {
      values,
      keep: (now) => { if (this.asking) this.asking.values = now; },
      back: () => this.unask(),
      send: async (fields) => {
        await this.send(m, b, fields);
        if (this.asking?.message === m.id) this.unask();
      },
    });
    li.querySelector('.card').append(e);
    li.querySelector(`[data-button="${CSS.escape(b.id)}"]`).setAttribute('aria-expanded', 'true');
    e.scrollIntoView({ block: 'nearest' });
    return e;
  }

  // unask closes the open form and gives the focus back to its button.
  unask() {
    const { asking } = this;
    this.asking = null;
    const li = asking && document.getElementById(this.domID(asking.message));
    const open = li?.querySelector('form.ask');
    if (!open) return;
    const b = li.querySelector(`[data-button="${CSS.escape(asking.button)}"]`);
    b?.setAttribute('aria-expanded', 'false');
    if (open.contains(document.activeElement)) (b || li).focus();
    open.remove();
  }

  async send(m, b, fields) {
    const card = document.getElementById(this.domID(m.id))?.querySelector('.card');
    if (card?.getAttribute('aria-busy') === 'true') return;
    card?.setAttribute('aria-busy', 'true');
    try {
      await api.press(this.person.id, m.id, b.id, fields);
    } finally {
      card?.removeAttribute('aria-busy');
    }
  }

  // draw shows the whole conversation anew.
  draw() {
    const list = this.part('.messages');
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    list.replaceChildren();
    this.shownDay = '';
    for (const m of this.inChannel()) {
      this.newDay(m);
      list.append(item(m, this));
    }
    if (!list.children.length) list.append(this.welcome());
    const asked = this.messages.get(this.asking?.message);
    if (asked) this.refocus(asked, document.getElementById(this.domID(asked.id)), focused);
    this.mark();
  }

  inChannel(channel = this.channel) {
    return [...this.messages.values()].filter((m) => m.channel === channel).sort((a, b) => number(a.id) - number(b.id));
  }

  newDay(m) {
    const day = clock.day(m.at);
    if (day === this.shownDay) return;
    this.shownDay = day;
    this.part('.messages').append(el('li', { className: 'day' }, el('span', {}, day)));
  }

  welcome() {
    const { person, channel } = this;
    if (channel !== 'dm') {
      return el('li', { className: 'welcome' }, el('p', {}, `Nothing has been said in #${channel} yet.`));
    }
    const tries = this.composer.commands.filter((c) => c.example).slice(0, 4);
    return el('li', { className: 'welcome' },
      el('h3', {}, `${person.name} and Twokey`),
      el('p', {}, 'Only you two can see what is written here. Ask a question in your own words, or type a command.'),
      person.about && el('p', {}, person.about),
      el('div', { className: 'buttons' }, ...tries.map((c) => el('button', {
        type: 'button', className: 'plain', onclick: () => this.composer.put(`/mfa ${c.example}`),
      }, `/mfa ${c.example}`))));
  }

  // mark tells the host how far the person has read, and shows who and where.
  mark() {
    const last = this.inChannel().at(-1);
    if (last && this.atEnd && !document.hidden) this.host.read(this.person.id, this.channel, number(last.id));
    this.drawHead();
    this.host.drawSide();
  }

  unread(channel) {
    const read = this.host.readUpTo(this.person.id, channel);
    return this.inChannel(channel).filter((m) => m.from !== this.person.id && number(m.id) > read).length;
  }

  drawHead() {
    const { person, host } = this;
    this.root.setAttribute('aria-label', `Pane of ${person.name}`);
    this.scroll.setAttribute('aria-label', `Messages of ${person.name}, ${channelName(this.channel)}`);
    avatar(this.part('.avatar'), person, host.indexOf(person.id));
    this.part('.title').textContent = channelName(this.channel);
    this.part('.as').textContent = this.channel === 'dm' ? `${person.name}’s direct messages` : `as ${person.name}`;
    this.part('.roles').replaceChildren(...roles(person));
    host.drawPicker(this.part('select'), person.id);
    redraw(this.part('.tabs'), this.conversations(), () => person.channels.map((c) => host.conversation(this, c)));
  }

  // conversations is what the list of conversations shows.
  conversations() {
    return [this.person.id, this.person.channels.map((c) => [c, c === this.channel, this.unread(c)])];
  }

  bottom() {
    return this.scroll.scrollHeight - this.scroll.clientHeight;
  }

  // end is where the scroll stands to show the newest message: at the bottom,
  // or at the beginning of a message that is taller than the pane, which wants
  // to be read before its buttons are pressed.
  end() {
    const last = this.part('.messages').lastElementChild;
    return last ? Math.min(this.bottom(), last.offsetTop - 12) : this.bottom();
  }

  scrolled() {
    this.atEnd = this.scroll.scrollTop > this.end() - 60;
    if (!this.atEnd || this.part('.newer').hidden) return;
    this.part('.newer').hidden = true;
    this.mark();
  }

  toEnd() {
    this.atEnd = true;
    this.part('.newer').hidden = true;
    this.scroll.scrollTop = this.end();
  }

  // stay keeps what the reader is at in view when the pane or a picture changes
  // its size: the form that is being filled in, or the newest message.
  stay() {
    if (this.asking) this.part('form.ask')?.scrollIntoView({ block: 'nearest' });
    else if (this.atEnd) this.toEnd();
  }

  domID(message) {
    return `${this.id}-${message}`;
  }

  nameOf(from) {
    return from === 'twokey' ? 'Twokey' : this.host.personOf(from)?.name || from;
  }

  avatar(from) {
    if (from === 'twokey') return el('img', { className: 'avatar', src: '/page/icon.svg', alt: '' });
    const person = this.host.personOf(from) || { name: from };
    return avatar(el('span', { className: 'avatar', 'aria-hidden': 'true' }), person, this.host.indexOf(from));
  }
}
