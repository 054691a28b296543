// What can be typed next, from the commands that a person may run. Pure
// functions; the composer shows what they return.

const lead = '/mfa';

// suggest returns what could stand in place of text: [{value, label, hint}],
// and a usage line for the command that is being typed, or "".
export function suggest(text, commands) {
  if (!text.startsWith('/')) return { list: [], usage: '' };
  if (!text.toLowerCase().startsWith(lead + ' ')) {
    const starts = lead.startsWith(text.toLowerCase());
    return { list: starts ? [leader(), ...names('', commands)] : [], usage: '' };
  }
  const typed = text.slice(lead.length).trimStart();
  const command = longest(typed, commands);
  return {
    list: [...names(typed, commands), ...(command ? choices(typed, command) : [])],
    usage: command ? usage(command) : '',
  };
}

const leader = () => ({ value: lead + ' ', label: lead, hint: 'your own state, or a command' });

// names are the commands that begin with what was typed or, where none does,
// those that speak of it.
function names(typed, commands) {
  const wanted = typed.toLowerCase();
  const starting = commands.filter((c) => c.name.startsWith(wanted) && c.name !== wanted.trimEnd());
  const found = starting.length || wanted.trim().length < 3 || longest(typed, commands) ? starting
    : commands.filter((c) => `${c.name} ${c.summary}`.toLowerCase().includes(wanted.trim()));
  return found.map((c) => ({
    value: `${lead} ${c.name}${c.options.length ? ' ' : ''}`, label: `${lead} ${c.name}`, hint: c.summary,
  }));
}

// longest is the command whose name was typed in full, the longest if several
// were: "defaults enable" wins over "defaults".
function longest(typed, commands) {
  return commands
    .filter((c) => `${typed} `.toLowerCase().startsWith(`${c.name} `))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

function choices(typed, command) {
  const args = typed.slice(command.name.length).split(/\s+/).slice(1);
  if (!args.length || !command.options.length) return [];
  const at = Math.min(args.length, command.options.length) - 1;
  const option = command.options[at];
  if (args.length > command.options.length && !option.rest) return [];
  const word = args.pop().toLowerCase();
  const before = [lead, command.name, ...args].join(' ');
  return option.choices
    .filter((c) => c.toLowerCase().startsWith(word) && c.toLowerCase() !== word)
    .map((c) => ({ value: `${before} ${c}`, label: c, hint: option.summary }));
}

// usage is a command as it is typed: what must be there in < >, the rest in [ ].
function usage(command) {
  const words = command.options.map((o) => {
    const name = o.rest ? `${o.name}…` : o.name;
    return o.required ? `<${name}>` : `[${name}]`;
  });
  return `${[lead, command.name, ...words].join(' ')}  ·  ${command.summary}`;
}
