// The elements of the page. Text enters the page through textContent only.

import {kindName, number} from './format.js';

const kRowsShown = 10;

export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

export function paragraph(text, className = '') {
  return element('p', {textContent: text, className});
}

export function alarm(text) {
  return element('div', {className: 'alarm', role: 'alert', textContent: text});
}

// `draw(container)` fills the figure once it is in the page, and again when the colours change.
export function figure(id, label, draw) {
  const container = element('div', {id, className: 'figure', draw});
  container.setAttribute('role', 'figure');
  container.setAttribute('aria-label', label);
  return container;
}

// Pairs of a heading and the nodes below it, side by side where there is room.
export function panels(...pairs) {
  return element('div', {className: 'panels'}, ...pairs.map(([textContent, ...nodes]) =>
    element('div', {}, element('h3', {textContent}), ...nodes)));
}

// Buttons, of which one is pressed: at first the first.
export function choice(label, options, onChoice) {
  const group = element('div', {className: 'choice', role: 'group', ariaLabel: label});
  const buttons = options.map((textContent) => element('button', {type: 'button', textContent}));
  const press = (pressed) => {
    for (const button of buttons) button.ariaPressed = String(button === pressed);
  };
  for (const button of buttons) {
    button.addEventListener('click', () => {
      press(button);
      onChoice(button.textContent);
    });
  }
  press(buttons[0]);
  group.append(`${label}: `, ...buttons);
  return group;
}

function cell(column, row) {
  const text = column.text ? column.text(row) : number(column.value(row));
  const node = element('td', {className: column.left ? 'left' : ''});
  node.append(column.code ? element('code', {textContent: text}) : text);
  const note = column.note?.(row);
  if (note) node.append(element('div', {className: 'quiet', textContent: note}));
  return node;
}

// Unknown values come last, in both directions.
function compare(a, b, descending) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return (descending ? -1 : 1) * (typeof a === 'string' ? a.localeCompare(b) : a - b);
}

// A cell above neighbouring columns of the same group, where there are groups.
function groupHeads(columns) {
  if (!columns.some(({group}) => group)) return [];
  const cells = [];
  columns.forEach(({group}, i) => {
    if (i > 0 && group === columns[i - 1].group) cells.at(-1).colSpan += 1;
    else if (!group) cells.push(element('td'));
    else cells.push(element('th', {scope: 'colgroup', className: 'group', textContent: group}));
  });
  return [element('tr', {}, ...cells)];
}

// `columns`: {title, value(row) to sort by, text(row) to show (else the number), note(row) below
// it, left, code, group: a heading over neighbouring columns}.
// Rows come in `rows`' order until a header is pressed.
export function table(columns, rows) {
  const body = element('tbody');
  const heads = [];
  let shown = rows;
  let all = rows.length <= kRowsShown;
  const textContent = `Show all ${rows.length.toLocaleString('en')} rows`;
  const more = element('button', {type: 'button', className: 'more', textContent, hidden: all});
  const line = (row) => element('tr', {}, ...columns.map((column) => cell(column, row)));
  const fill = () => body.replaceChildren(...(all ? shown : shown.slice(0, kRowsShown)).map(line));
  const sort = (column, head) => {
    const descending = head.ariaSort !== 'descending';
    for (const other of heads) other.ariaSort = null;
    head.ariaSort = descending ? 'descending' : 'ascending';
    shown = [...rows].sort((a, b) => compare(column.value(a), column.value(b), descending));
    fill();
  };
  for (const column of columns) {
    const button = element('button', {type: 'button', textContent: column.title});
    const head = element('th', {scope: 'col', className: column.left ? 'left' : ''}, button);
    button.addEventListener('click', () => sort(column, head));
    heads.push(head);
  }
  more.addEventListener('click', () => {
    all = true;
    more.hidden = true;
    fill();
  });
  fill();
  const top = element('thead', {}, ...groupHeads(columns), element('tr', {}, ...heads));
  const frame = element('div', {className: 'scroll'}, element('table', {}, top, body));
  return element('div', {}, frame, more);
}

// The first columns of tables with one row per block.
export const kBlockColumns = [
  {title: 'Block', value: (row) => row.block},
  {title: 'Layer', value: (row) => row.layer},
  {title: 'Kind', left: true, value: kindName, text: kindName},
];

function pairs(entries) {
  return element('dl', {}, ...entries.flatMap(([name, value]) => [
    element('dt', {textContent: name}),
    element('dd', {textContent: String(value)}),
  ]));
}

export function keyFigure(name, value, note) {
  return element('div', {className: 'key'},
    element('div', {className: 'name', textContent: name}),
    element('div', {className: 'value', textContent: value}),
    element('div', {className: 'quiet', textContent: note}));
}

export function fold(title, open, entries) {
  return element('details', {open}, element('summary', {textContent: title}), pairs(entries));
}
