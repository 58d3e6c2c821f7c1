// The maps of heads: attention to the watched key, and attention to the learned sinks.

import {headKey, number} from '../format.js';
import {axis, colour, draw} from '../plot.js';
import {drawHeadMap, extent, headAxis, heatmapTrace, layerAxis, mapHeight} from './head_map.js';

// The border of the set of sink heads, as line segments along the edges of the heat map's cells.
function sinkBorder(sinkHeads) {
  const sinks = new Set(sinkHeads.map(headKey));
  const x = [];
  const y = [];
  for (const {layer, head} of sinkHeads) {
    const sides = [
      [layer - 1, head, [-0.5, -0.5], [-0.5, 0.5]],
      [layer + 1, head, [0.5, 0.5], [-0.5, 0.5]],
      [layer, head - 1, [-0.5, 0.5], [-0.5, -0.5]],
      [layer, head + 1, [-0.5, 0.5], [0.5, 0.5]],
    ];
    for (const [nextLayer, nextHead, dx, dy] of sides) {
      if (sinks.has(headKey({layer: nextLayer, head: nextHead}))) continue;
      x.push(layer + dx[0], layer + dx[1], null);
      y.push(head + dy[0], head + dy[1], null);
    }
  }
  return {x, y};
}

// Layers without attention have no bar.
function shareTrace(heads, sinkHeads, layers, rows) {
  const counts = Array(layers).fill(null);
  for (const {layer} of heads) counts[layer] = 0;
  for (const {layer} of sinkHeads) counts[layer] += 1;
  return {
    type: 'bar',
    x: counts.map((_, layer) => layer),
    y: counts.map((count) => (count === null ? null : (100 * count) / rows)),
    text: counts.map((count, layer) => `layer ${layer}: ${count} of ${rows} heads`),
    textposition: 'none',
    hovertemplate: '%{text}<extra></extra>',
    yaxis: 'y2',
    marker: {color: colour('sink')},
  };
}

export function drawLearnedMap(container, learned) {
  return drawHeadMap(container, learned, {
    value: (head) => head.mass,
    words: (head) => `its logit takes ${number(100 * head.mass)} %`,
    title: 'mass of the learned sink',
  });
}

export function drawSinkMap(container, report) {
  const {heads, sink_heads: sinkHeads, key, epsilon} = report;
  const {layers, rows} = extent(heads);
  const border = {
    ...sinkBorder(sinkHeads),
    mode: 'lines',
    hoverinfo: 'skip',
    line: {color: colour('sink'), width: 2},
  };
  const traces = [
    heatmapTrace(heads, {
      value: (head) => head.importance,
      words: (head) => `importance ${number(head.importance)}<br>above ε in ` +
        `${number(100 * head.share_of_sequences)} % of sequences`,
      title: `importance of key ${key}`,
      marks: [{at: epsilon, text: `ε = ${epsilon}`}],
    }),
    border,
    shareTrace(heads, sinkHeads, layers, rows),
  ];
  return draw(container, 250 + mapHeight(rows), traces, {
    showlegend: false,
    bargap: 0.25,
    xaxis: layerAxis(layers),
    yaxis: headAxis(rows, {domain: [0, 0.76]}),
    yaxis2: axis('sinks, %', {range: [0, 104], domain: [0.82, 1], dtick: 50}),
  });
}
