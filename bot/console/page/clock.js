// The bot's clock: shown in the bot's own zone, and moved by buttons.

import * as api from './api.js';

let zone;

// format returns a moment in the bot's zone, or in the browser's if the bot's
// has no name that the browser knows.
export function format(at, options) {
  const date = new Date(at);
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options }).format(date);
  } catch {
    return new Intl.DateTimeFormat('en-GB', options).format(date);
  }
}

export const time = (at) => format(at, { hour: '2-digit', minute: '2-digit' });
export const day = (at) => format(at, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

// show puts the bot's present time into the page.
function show(now) {
  const e = document.getElementById('now');
  e.dateTime = now;
  e.textContent = format(now, { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}

export async function refresh() {
  const about = await api.about();
  zone = about.zone;
  show(about.now);
  document.getElementById('jumps').hidden = !about.clock;
  return about;
}

// start makes the buttons work; trouble gets the sentence of a refusal.
export function start(trouble) {
  document.getElementById('jumps').addEventListener('click', async (event) => {
    const { by, to } = event.target.dataset;
    if (!by && !to) return;
    try {
      const { now } = await api.advance(by || await untilMonday());
      show(now);
    } catch (error) {
      trouble(error.message);
    }
  });
}

async function untilMonday() {
  const { now, monday } = await api.about();
  return Math.max(1, Math.round((new Date(monday) - new Date(now)) / 1000)) + 's';
}
