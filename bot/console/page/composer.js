// The line in which one types, with completion after the combobox pattern:
// arrows choose, Tab and Enter take, Escape closes.

import { el } from './dom.js';
import { suggest } from './completion.js';

export class Composer {
  // root is the form; send(text) may throw the sentence that refuses it.
  constructor(root, id, send) {
    this.input = root.querySelector('input');
    this.list = root.querySelector('.suggestions');
    this.usage = root.querySelector('.usage');
    this.wrong = root.querySelector('.wrong');
    this.send = send;
    this.commands = [];
    this.found = [];
    this.active = -1;
    this.said = [];
    this.list.id = `${id}-suggestions`;
    this.usage.id = `${id}-usage`;
    this.input.id = `${id}-input`;
    this.input.setAttribute('aria-controls', this.list.id);
    this.input.setAttribute('aria-describedby', this.usage.id);
    this.input.addEventListener('input', () => this.complete());
    this.input.addEventListener('keydown', (event) => this.key(event));
    this.input.addEventListener('blur', () => this.close());
    root.addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  // aim names the line after the conversation, and forgets a refusal.
  aim(label, placeholder) {
    this.input.setAttribute('aria-label', label);
    this.list.setAttribute('aria-label', 'Commands');
    this.input.placeholder = placeholder;
    this.refuse('');
    this.close();
  }

  // learn takes the commands that can be completed. They may come after the
  // first of them was typed.
  learn(commands) {
    this.commands = commands;
    if (this.input.value && this.input === document.activeElement) this.complete();
  }

  // put fills the line with a text to be looked at and sent.
  put(text) {
    this.input.value = text;
    this.input.focus();
    this.complete();
  }

  async submit() {
    const text = this.input.value;
    if (!text.trim()) return;
    this.close();
    this.input.value = '';
    this.usage.hidden = true;
    try {
      await this.send(text);
      this.said.push(text);
      this.refuse('');
    } catch (error) {
      this.input.value ||= text;
      this.refuse(error.message);
    }
  }

  refuse(say) {
    this.wrong.textContent = say;
    this.wrong.hidden = !say;
  }

  complete() {
    const { list, usage } = suggest(this.input.value, this.commands);
    this.usage.textContent = usage;
    this.usage.hidden = !usage;
    this.found = list;
    this.list.replaceChildren(...list.map((s, i) => this.option(s, i)));
    this.open(list.length > 0);
    this.choose(-1);
  }

  option(s, i) {
    const e = el('li', { role: 'option', id: `${this.list.id}-${i}`, 'aria-selected': 'false' },
      el('span', { className: 'what' }, s.label), el('span', { className: 'hint' }, s.hint));
    e.addEventListener('mousedown', (event) => {
      event.preventDefault(); // keeps the focus in the line
      this.take(i);
    });
    return e;
  }

  open(yes) {
    this.list.hidden = !yes;
    this.input.setAttribute('aria-expanded', String(yes));
  }

  close() {
    this.open(false);
    this.choose(-1);
  }

  choose(i) {
    this.active = i;
    [...this.list.children].forEach((e, n) => e.setAttribute('aria-selected', String(n === i)));
    if (i < 0) {
      this.input.removeAttribute('aria-activedescendant');
      return;
    }
    this.input.setAttribute('aria-activedescendant', this.list.children[i].id);
    this.list.children[i].scrollIntoView({ block: 'nearest' });
  }

  take(i) {
    this.input.value = this.found[i].value;
    this.complete();
  }

  key(event) {
    const opened = !this.list.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.isComposing) return;
    if (step && opened) {
      const n = this.found.length;
      this.choose(this.active < 0 ? (step > 0 ? 0 : n - 1) : (this.active + step + n) % n);
    } else if (step && !this.input.value && this.said.length) {
      this.input.value = this.said.at(-1);
      this.complete();
    } else if (event.key === 'Tab' && !event.shiftKey && opened) {
      this.take(Math.max(this.active, 0));
    } else if (event.key === 'Enter' && opened && this.active >= 0) {
      this.take(this.active);
    } else if (event.key === 'Escape' && opened) {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
  }
}
