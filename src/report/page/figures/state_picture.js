// The three-dimensional figure: |h| of every token and channel of one state.

import {number, spanName, tokenName} from '../format.js';
import {axis, colour, draw, kSolidButtons, plain, whole} from '../plot.js';

function everyCell(picture, make) {
  return picture.magnitudes.map((row, r) => row.map((value, c) => make(value, r, c)));
}

// Twice every row and column: the surface gets flat tops and upright walls, bars without gaps.
function stepped(rows) {
  return rows.flatMap((row) => {
    const wide = row.flatMap((value) => [value, value]);
    return [wide, wide];
  });
}

// The largest cells for labels, far enough from each other.
function peaks(picture, most) {
  const cells = everyCell(picture, (value, r, c) => ({value: value ?? 0, r, c})).flat();
  const apart = picture.channels.length / 4;
  const found = [];
  for (const cell of cells.sort((a, b) => b.value - a.value)) {
    if (found.length === most || !(cell.value > 0.02 * cells[0].value)) break;
    if (found.every((other) => Math.abs(other.c - cell.c) > apart)) found.push(cell);
  }
  return found;
}

function peakLabels(picture, most, log, size) {
  return peaks(picture, most).map(({value, r, c}) => {
    const [first, last] = picture.channels[c];
    const token = picture.tokens[r];
    return {
      x: (first + last) / 2,
      y: token.position,
      z: log ? Math.log10(value) : value,
      text: `${spanName([first, last])}<br>${plain(tokenName(token))}`,
      font: {size, color: colour('ink')},
      bgcolor: colour('paper'),
      opacity: 0.9,
      arrowcolor: colour('quiet'),
      arrowwidth: 1,
      ax: 0,
      ay: -34,
    };
  });
}

// Values below `floor` are raised to it: a logarithmic axis need not reach down to zero. Values
// that are not finite leave holes.
function stateTrace(picture, floor, spikes) {
  const shown = (value) => (value === null ? null : Math.max(value, floor));
  const shade = (value) => (value === null ? null : Math.log10(shown(value)));
  const text = everyCell(picture, (value, r, c) => {
    const token = picture.tokens[r];
    return `${spanName(picture.channels[c], spikes)}: ${number(value)}<br>` +
      `position ${token.position}, token ${plain(tokenName(token))}`;
  });
  const half = 0.499;  // almost: walls may not stand on one another
  return {
    type: 'surface',
    x: picture.channels.flatMap(([first, last]) => [first - half, last + half]),
    y: picture.tokens.flatMap((token) => [token.position - half, token.position + half]),
    z: stepped(everyCell(picture, shown)),
    surfacecolor: stepped(everyCell(picture, shade)),
    text: stepped(text),
    hoverinfo: 'text',
    colorscale: [0, 1, 2, 3].map((step) => [step / 3, colour(`height-${step}`)]),
    showscale: false,
    contours: {x: {highlight: false}, y: {highlight: false}, z: {highlight: false}},
    lighting: {ambient: 0.85, diffuse: 0.35, specular: 0.02, fresnel: 0},
  };
}

// Round values up to the largest, without zero, which would touch the ticks of the other axes.
function roundTicks(largest, most) {
  const power = 10 ** Math.floor(Math.log10(largest));
  const step = power * ([0.2, 0.5, 1].find((size) => largest / (size * power) <= most) ?? 2);
  return Array.from({length: Math.floor(largest / step)}, (_, i) => (i + 1) * step);
}

export function drawStatePicture(container, picture, spikes, scale) {
  const values = picture.magnitudes.flat().filter((value) => value > 0).sort((a, b) => a - b);
  const floor = values[Math.floor(values.length / 20)] ?? 1e-3;
  const largest = values[values.length - 1] ?? 1;
  const log = scale === 'log';
  // A narrow figure must be seen from afar, and has room for little text.
  const narrow = container.clientWidth < 600;
  const height = Math.min(640, Math.max(400, container.clientWidth));
  const far = Math.min(1.7, Math.max(1.05, (1.8 * height) / container.clientWidth));
  const upwards = log ? {
    type: 'log',
    dtick: 1,
    exponentformat: 'power',
    range: [Math.log10(floor), Math.log10(largest) + 0.3],
  } : {
    type: 'linear',
    tickvals: roundTicks(largest, narrow ? 3 : 6),
    tickformat: ',~g',
    range: [0, largest * 1.12],
  };
  const scene = (text, more) => axis(text, {
    title: {text, font: {size: narrow ? 11 : 15}},
    tickfont: {size: narrow ? 9 : 12},
    nticks: narrow ? 4 : 8,
    backgroundcolor: colour('panel'),
    showbackground: true,
    showspikes: false,
    ...more,
  });
  return draw(container, height, [stateTrace(picture, floor, spikes)], {
    margin: {l: 0, r: 0, t: 0, b: 0},
    scene: {
      xaxis: scene('channel', whole(picture.channels.length)),
      yaxis: scene('position', {autorange: 'reversed', ...whole(picture.tokens.length)}),
      zaxis: scene(narrow ? '' : 'magnitude', upwards),
      aspectmode: 'manual',
      aspectratio: {x: 1.7, y: 1.1, z: 0.8},
      camera: {
        eye: {x: -1.2 * far, y: -1.65 * far, z: 0.95 * far},
        center: {x: 0, y: 0, z: -0.22},
      },
      annotations: peakLabels(picture, narrow ? 1 : 3, log, narrow ? 10 : 12),
    },
  }, kSolidButtons);
}
