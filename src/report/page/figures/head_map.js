// Maps of layers and heads, one cell per head.

import {number} from '../format.js';
import {axis, colour, draw, whole} from '../plot.js';

// One cell per head: `value` is drawn, on a scale from 0 to `most`, and `words` is the hover text;
// `marks` are further ticks.
export function heatmapTrace(heads, {value, words, title, marks = [], most = 1}) {
  const {layers, rows} = extent(heads);
  const empty = () => Array.from({length: rows}, () => Array(layers).fill(null));
  const z = empty();
  const text = empty();
  for (const head of heads) {
    z[head.head][head.layer] = value(head);
    text[head.head][head.layer] = `layer ${head.layer}, head ${head.head}<br>${words(head)}`;
  }
  const free = (tick) => marks.every((mark) => Math.abs(tick - mark.at) > 0.06 * most);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most).filter(free);
  return {
    type: 'heatmap',
    z,
    text,
    hovertemplate: '%{text}<extra></extra>',
    zmin: 0,
    zmax: most,
    colorscale: [[0, colour('scale-0')], [0.5, colour('scale-1')], [1, colour('scale-2')]],
    xgap: layers > 50 ? 0 : 1,
    ygap: rows > 40 ? 0 : 1,
    colorbar: {
      title: {text: title, side: 'right'},
      len: 0.78,
      y: 0,
      yanchor: 'bottom',
      thickness: 14,
      outlinewidth: 0,
      tickvals: [...ticks, ...marks.map((mark) => mark.at)],
      ticktext: [...ticks.map((tick) => number(tick, 2)), ...marks.map((mark) => mark.text)],
    },
  };
}

export function extent(heads) {
  return {
    layers: 1 + Math.max(...heads.map((head) => head.layer)),
    rows: 1 + Math.max(...heads.map((head) => head.head)),
  };
}

export function layerAxis(layers) {
  return axis('layer', {
    ...whole(layers),
    range: [-0.6, layers - 0.4],
    showgrid: false,
    ticks: 'outside',
    tickcolor: colour('rule'),
  });
}

export function headAxis(rows, more) {
  return axis('head', {...whole(rows), range: [rows - 0.4, -0.6], showgrid: false, ...more});
}

export function mapHeight(rows) {
  return Math.min(620, Math.max(160, 22 * rows));
}

// `what`: the options of heatmapTrace.
export function drawHeadMap(container, heads, what) {
  const {layers, rows} = extent(heads);
  return draw(container, 110 + mapHeight(rows), [heatmapTrace(heads, what)], {
    xaxis: layerAxis(layers),
    yaxis: headAxis(rows),
  });
}
