// The colours and dashes of the rows of a training, and the buttons that hide and show them.

import {element} from '../elements.js';

export const kBaseline = 'baseline';

const kRowHues =
  ['ordinary', 'step-up', 'step-down', 'course-2', 'course-1', 'course-3', 'course-5'];
const kRowDashes =
  ['solid', '7px,3px', '2px,2px', '8px,2px,2px,2px', '14px,4px', '14px,2px,2px,2px,2px,2px'];

function rowLook(index) {
  if (index < 0) return {hue: 'ink', dash: 'solid', width: 2};
  const dash = Math.floor(index / kRowHues.length) % kRowDashes.length;
  return {hue: kRowHues[index % kRowHues.length], dash: kRowDashes[dash], width: 1.3};
}

// By name, in the order of the rows, of those that have something to draw.
export function rowLooks(rows, runs) {
  const drawn = new Set(runs.filter(({curve, validation}) => curve.length + validation.length > 0)
    .map(({row}) => row));
  const names = [...new Set([...rows, ...runs].map(({row}) => row))]
    .filter((name) => drawn.has(name));
  const others = names.filter((name) => name !== kBaseline || names.length === 1);
  return new Map(names.map((name) => [name, rowLook(others.indexOf(name))]));
}

function swatch({hue, dash, width}) {
  const [picture, line] = ['svg', 'line'].map((tag) =>
    document.createElementNS('http://www.w3.org/2000/svg', tag));
  for (const [name, value] of Object.entries({x1: 0, x2: 34, y1: 5, y2: 5}))
    line.setAttribute(name, value);
  line.style.stroke = `var(--${hue})`;
  line.style.strokeWidth = width + 0.7;
  line.style.strokeDasharray = dash === 'solid' ? 'none' : dash;
  picture.append(line);
  return picture;
}

// `hidden` is the set of the rows that are not drawn.
export function rowLegend(looks, hidden, redraw) {
  const show = [...looks].map(([name, look]) => {
    const button = element('button', {type: 'button'}, swatch(look),
      element('span', {textContent: name}));
    return {name, button};
  });
  const update = () => {
    for (const {name, button} of show) button.ariaPressed = String(!hidden.has(name));
  };
  const onClick = (button, change) => button.addEventListener('click', () => {
    change();
    update();
    redraw();
  });
  for (const {name, button} of show)
    onClick(button, () => (hidden.delete(name) ? hidden : hidden.add(name)));
  const [all, none] = ['all', 'none'].map((textContent) =>
    element('button', {type: 'button', className: 'many', textContent}));
  onClick(all, () => hidden.clear());
  onClick(none, () => show.forEach(({name}) => hidden.add(name)));
  update();
  return element('div', {className: 'legend', role: 'group', ariaLabel: 'Rows'},
    ...show.map(({button}) => button), all, none);
}
