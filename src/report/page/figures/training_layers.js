// Of one run: sink ratio, spike and kurtosis of each layer over the steps, as heat maps.

import {number, percentage} from '../format.js';
import {axis, colour, draw, logMarks, logRange, whole} from '../plot.js';

const kLayerMaps = [
  {field: 'sink_ratios_percent', title: 'sink ratio, %', words: 'sink ratio', text: percentage},
  {field: 'spikes', title: 'spike', words: 'spike', text: (value) => number(value), log: true},
  {field: 'kurtosis', title: 'kurtosis', words: 'kurtosis', text: (value) => number(value),
    log: true},
];
const kGap = 34;  // pixels between maps

// Colours stand for powers of ten.
function logScale(values) {
  const range = logRange(values) ?? [0, 1];
  const marks = logMarks(range);
  const [zmin, zmax] = range;
  return {zmin, zmax, tickvals: marks.map(Math.log10), ticktext: marks.map((mark) => number(mark))};
}

function percentScale() {
  const ticks = [0, 25, 50, 75, 100];
  return {zmin: 0, zmax: 100, tickvals: ticks, ticktext: ticks.map(String)};
}

// The [bottom, top] of each map in the figure.
function mapDomains(height) {
  const all = kLayerMaps.length * (height + kGap) - kGap;
  return kLayerMaps.map((_, index) => {
    const top = 1 - index * (height + kGap) / all;
    return [Math.max(0, top - height / all), top];
  });
}

function layerMap(validation, layers, {field, title, words, text, log}, [bottom, top]) {
  const numbers = Array.from({length: layers}, (_, layer) => layer);
  const rows = numbers.map((layer) => validation.map((state) => state[field][layer] ?? null));
  const {zmin, zmax, ...ticks} = log ? logScale(rows.flat()) : percentScale();
  const value = (found) => (log ? (found > 0 ? Math.log10(found) : null) : found);
  return {
    type: 'heatmap',
    x: validation.map(({step}) => step),
    y: numbers,
    z: rows.map((row) => row.map(value)),
    text: rows.map((row, layer) => row.map((found, i) =>
      `layer ${layer}, step ${number(validation[i].step)}<br>${words} ${text(found)}`)),
    hovertemplate: '%{text}<extra></extra>',
    zmin,
    zmax,
    colorscale: [[0, colour('scale-0')], [0.5, colour('scale-1')], [1, colour('scale-2')]],
    xgap: validation.length > 50 ? 0 : 1,
    ygap: layers > 20 ? 0 : 1,
    colorbar: {
      title: {text: title, side: 'right'},
      len: top - bottom,
      y: top,
      yanchor: 'top',
      thickness: 14,
      outlinewidth: 0,
      ...ticks,
    },
  };
}

export function drawTrainingLayers(container, validation) {
  const layers = Math.max(...validation.flatMap((state) =>
    kLayerMaps.map(({field}) => state[field].length)));
  const height = Math.min(260, Math.max(110, 8 * layers));
  const domains = mapDomains(height);
  const yaxes = ['y', 'y2', 'y3'];
  const axes = domains.map((domain, index) => [yaxes[index].replace('y', 'yaxis'), axis('layer', {
    domain,
    range: [-0.6, layers - 0.4],
    showgrid: false,
    ...whole(layers),
  })]);
  const traces = kLayerMaps.map((map, index) =>
    ({...layerMap(validation, layers, map, domains[index]), yaxis: yaxes[index]}));
  return draw(container, 90 + 3 * (height + kGap), traces, {
    xaxis: axis('step', {anchor: 'y3', showgrid: false}),
    ...Object.fromEntries(axes),
  });
}
