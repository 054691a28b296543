// The console's API. Calls return the decoded answer, or throw an Error whose
// message is the sentence that the console gave for the refusal.

async function call(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, body === undefined ? { method } : {
      method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
  } catch {
    throw new Error('The console cannot be reached. Is the demo still running?');
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error || `The console answered ${answer.status}.`);
  return said;
}

const of = (person, what) => `/api/people/${encodeURIComponent(person)}/${what}`;

export const about = () => call('GET', '/api/about');
export const people = () => call('GET', '/api/people');
export const advance = (by) => call('POST', '/api/clock', { advance: by });
export const messages = (person) => call('GET', of(person, 'messages'));
export const commands = (person) => call('GET', of(person, 'commands'));
export const say = (person, channel, text) => call('POST', of(person, 'messages'), { channel, text });
export const press = (person, message, button, fields) => call('POST', of(person, 'press'), { message, button, fields });

// follow keeps an event stream open until the returned function is called.
// Every time it stands anew, opened is called: what came in between may have
// been missed, by a restart of the console even for good.
export function follow(person, { opened, message, lost }) {
  let source;
  let timer;
  const connect = () => {
    source = new EventSource(of(person, 'events'));
    source.onopen = opened;
    source.addEventListener('message', (e) => message(JSON.parse(e.data)));
    source.onerror = () => {
      lost();
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(connect, 2000);
    };
  };
  connect();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
