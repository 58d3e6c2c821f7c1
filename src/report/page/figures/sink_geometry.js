// The figures of the sink geometry: two heads in two dimensions, and all heads as dots.

import {number, tokenName} from '../format.js';
import {axis, colour, dots, draw, drawPlane, plain} from '../plot.js';

const kPointKinds = {
  'key': {name: 'other keys', hue: 'delimiter', symbol: 'square'},
  'query': {name: 'queries', hue: 'ordinary', symbol: 'circle'},
  'sink key': {name: 'sink keys', hue: 'spike', symbol: 'diamond'},
};

// `layout` is "tsne" or "pca". One unit is as long to the right as upwards.
export function drawHeadPicture(container, picture, layout) {
  const all = picture.points.map((point, i) => ({
    kind: point.kind,
    x: picture[layout][i]?.[0] ?? null,
    y: picture[layout][i]?.[1] ?? null,
    text: `${point.kind}: ${plain(tokenName(point))}<br>sequence ${point.sequence}, position ` +
      `${point.position}`,
  }));
  const traces = Object.entries(kPointKinds).map(([kind, {name, hue, symbol}]) => dots(name,
    all.filter((point) => point.kind === kind), {
      hue, symbol, size: kind === 'sink key' ? 9 : 6, opacity: kind === 'sink key' ? 1 : 0.55,
    }));
  const bare = {showticklabels: false, zeroline: false};
  return draw(container, 420, traces.filter((trace) => trace.x.length > 0), {
    showlegend: true,
    legend: {orientation: 'h', x: 0, y: -0.04, yanchor: 'top'},
    margin: {l: 12, r: 12, t: 34, b: 30},
    xaxis: axis('', bare),
    yaxis: axis('', {...bare, scaleanchor: 'x'}),
  });
}

function headDots(name, heads, field, look) {
  const points = heads.map((head) => ({
    x: head.importance,
    y: head[field],
    text: `layer ${head.layer}, head ${head.head}<br>importance ${number(head.importance)}, ` +
      `logit gap ${number(head.logit_gap)}<br>value drain ${number(head.value_drain)}`,
  }));
  return dots(name, points, {...look, size: heads.length > 1000 ? 4 : 7});
}

const kDotTitles = {logit_gap: 'logit gap', value_drain: '‖v‖ of sinks / of others'};

// Heads that the rule of eq. 26 names apart from those that it does not.
export function drawHeadDots(container, heads, field, {key, epsilon}) {
  const named = heads.filter((head) => head.named);
  const others = heads.filter((head) => !head.named);
  const traces = [
    headDots('not named by the rule', others, field, {hue: 'ordinary', symbol: 'square-open'}),
    headDots('named by the rule', named, field, {hue: 'spike'}),
  ];
  return drawPlane(container, 380, traces.filter((trace) => trace.x.length > 0), {
    showlegend: true,
    shapes: [{
      type: 'line', x0: epsilon, x1: epsilon, yref: 'paper', y0: 0, y1: 1, layer: 'below',
      line: {color: colour('quiet'), width: 1.5, dash: 'dot'},
    }],
    xaxis: axis(`importance of key ${key}`, {range: [-0.03, 1.03]}),
    yaxis: axis(kDotTitles[field], {zeroline: true, zerolinecolor: colour('rule')}),
  });
}
