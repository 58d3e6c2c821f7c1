// Common functions of the figures: plotly's frame, axes, colours, curves and dots.

import {number} from './format.js';

// The buttons of a figure are named: the default ones include one that sends it to a server.
export const kFlatButtons = ['toImage', 'zoom2d', 'pan2d', 'resetScale2d'];
export const kSolidButtons =
  ['toImage', 'orbitRotation', 'pan3d', 'zoom3d', 'resetCameraDefault3d'];

const kPowersAlone = 2.5;  // powers of ten from which a logarithmic axis has no marks between

// plotly reads a few HTML tags and entities in its labels; this keeps a token's text plain text.
export function plain(text) {
  return String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}

export function axis(title, more) {
  return {
    title: {text: title, standoff: 8},
    gridcolor: colour('rule'),
    linecolor: colour('rule'),
    zeroline: false,
    automargin: true,
    ...more,
  };
}

// Blocks, layers, channels and so on have no halves: plotly would mark some where they are few.
export function whole(count) {
  return count <= 12 ? {dtick: 1} : {};
}

// A logarithmic axis has no zero.
export function positive(value) {
  return value > 0 ? value : null;
}

export function draw(container, height, traces, layout, buttons = kFlatButtons) {
  container.style.height = `${height}px`;  // plotly forgets layout.height when the window changes
  const base = {
    uirevision: true,  // zoom, camera and hidden traces outlive a redraw
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: {family: getComputedStyle(document.body).fontFamily, size: 13, color: colour('ink')},
    hoverlabel: {
      align: 'left',
      bgcolor: colour('panel'),
      bordercolor: colour('quiet'),
      font: {color: colour('ink')},
    },
    margin: {l: 60, r: 16, t: 34, b: 48},
    modebar: {bgcolor: 'rgba(0,0,0,0)', color: colour('quiet'), activecolor: colour('ink')},
  };
  const config = {
    responsive: true,
    displaylogo: false,
    scrollZoom: false,
    modeBarButtons: [buttons],
    toImageButtonOptions: {filename: container.id, scale: 2},
  };
  return Plotly.react(container, traces, {...base, ...layout}, config);
}

// -- planes

export const kLegendBelow = {
  orientation: 'h', x: 0, y: -0.2, yanchor: 'top', font: {size: 12}, traceorder: 'normal',
};

export function drawPlane(container, height, traces, layout) {
  return draw(container, height, traces, {legend: kLegendBelow, ...layout});
}

// Each kind of token has one colour and one shape on the whole page.
export const kKinds = {
  spike: {name: 'spike tokens', hue: 'spike', symbol: 'circle'},
  ordinary: {name: 'ordinary tokens', hue: 'ordinary', symbol: 'square'},
  delimiter: {name: 'delimiters', hue: 'delimiter', symbol: 'diamond'},
};

// Looks of curves that a reader can distinguish: hue, symbol, dash.
export const kCurves = [
  ['spike', 'circle', 'solid'], ['ordinary', 'square', 'solid'], ['delimiter', 'diamond', 'solid'],
  ['spike', 'square', 'dash'], ['ordinary', 'diamond', 'dash'], ['delimiter', 'circle', 'dash'],
  ['spike', 'diamond', 'dot'], ['ordinary', 'circle', 'dot'], ['delimiter', 'square', 'dot'],
];

// `points` are {x, y, text}.
export function pointTrace(name, points, more) {
  return {
    name,
    x: points.map((point) => point.x),
    y: points.map((point) => point.y),
    text: points.map((point) => point.text),
    hovertemplate: '%{text}<extra></extra>',
    ...more,
  };
}

// A line through values in order; unknown values leave a gap.
export function curve(name, points, {hue, symbol = 'circle', dash = 'solid', size = 6, ...more}) {
  return pointTrace(name, points, {
    mode: 'lines+markers',
    line: {color: colour(hue), width: 1.5, dash},
    marker: {color: colour(hue), size, symbol},
    ...more,
  });
}

export function dots(name, points, {hue, symbol = 'circle', size = 7, opacity = 0.75, ...more}) {
  return pointTrace(name, points, {
    mode: 'markers',
    marker: {color: colour(hue), size, symbol, opacity},
    ...more,
  });
}

export function bars(name, points, {hue, ...more}) {
  return pointTrace(name, points, {
    type: 'bar',
    textposition: 'none',
    marker: {color: colour(hue)},
    ...more,
  });
}

export function blockAxis(title, blocks, first = 1) {
  return axis(title, {range: [first - 0.7, blocks + 0.7], ...whole(blocks)});
}

// The range of a logarithmic axis that includes all values, in powers of ten.
export function logRange(values) {
  const known = values.filter((value) => value > 0);
  if (known.length === 0) return undefined;
  const [least, most] = [Math.min, Math.max].map((pick) => known.reduce((a, b) => pick(a, b)));
  const room = Math.max(0.05, 0.04 * Math.log10(most / least));
  return [Math.log10(least) - room, Math.log10(most) + room];
}

// Round values of a logarithmic range, the more of them the shorter it is.
export function logMarks([low, high]) {
  const span = high - low;
  const heads = span > kPowersAlone ? [1] : span > 0.5 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const powers = Array.from({length: Math.ceil(span) + 2}, (_, i) => Math.floor(low) + i);
  return powers.flatMap((power) => heads.map((head) => head * 10 ** power));
}

// Where the powers of ten are too few to read values from there are more.
function logTicks(range) {
  if (!range || range[1] - range[0] > kPowersAlone) return {dtick: 1, exponentformat: 'power'};
  const tickvals = logMarks(range);
  return {tickvals, ticktext: tickvals.map((value) => number(value))};
}

export function logAxis(title, {range, ...more} = {}) {
  return axis(title, {type: 'log', tickfont: {size: 11}, range, ...logTicks(range), ...more});
}

function stepMarks(blocks, name, colourName, dash) {
  return blocks.map((block, i) => ({
    type: 'line',
    x0: block,
    x1: block,
    yref: 'paper',
    y0: 0,
    y1: 1,
    layer: 'below',
    line: {color: colour(colourName), width: 1.5, dash},
    name,
    showlegend: i === 0,
    legendrank: 2000,
  }));
}

// The step-up and step-down blocks, for any figure with blocks from left to right.
export function stepShapes(life) {
  if (!life) return [];
  return [
    ...stepMarks(life.step_up, 'step-up block', 'step-up', 'dash'),
    ...stepMarks(life.step_down, 'step-down block', 'step-down', 'dashdot'),
  ];
}

// A level to compare with, from side to side.
export function levelShape(y, name) {
  return {
    type: 'line',
    xref: 'paper',
    x0: 0,
    x1: 1,
    y0: y,
    y1: y,
    layer: 'below',
    line: {color: colour('quiet'), width: 1.5, dash: 'dot'},
    name,
    showlegend: true,
    legendrank: 2000,
  };
}
