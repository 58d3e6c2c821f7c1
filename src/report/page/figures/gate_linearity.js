// The figure of the gate linearity: the tokens of one block, coloured by the block's output.

import {number} from '../format.js';
import {
  axis, colour, dots, drawPlane, kKinds, logMarks, logRange, pointTrace,
} from '../plot.js';

// A range wide enough for all values and for the identity.
function rangeAroundOne(values) {
  const least = values.reduce((a, b) => Math.min(a, b), 1);
  const most = values.reduce((a, b) => Math.max(a, b), 1);
  const room = 0.05 * (most - least || 1);
  return [least - room, most + room];
}

// One frame for all panels: the ranges of cosines and ratios, and the powers of ten of outputs.
export function gateFrame(blocks) {
  const points = blocks.flatMap(({spike, ordinary}) => [...spike.sample, ...ordinary.sample]);
  return {
    cosine: rangeAroundOne(points.map(([cosine]) => cosine)),
    ratio: rangeAroundOne(points.map(([, ratio]) => ratio)),
    output: logRange(points.map(([,, output]) => output)) ?? [0, 1],
  };
}

function looksOf(kind) {
  const {symbol} = kKinds[kind];
  return kind === 'spike' ? {symbol, size: 8, line: {color: colour('ink'), width: 1}} :
    {symbol, size: 5};
}

function gateDots(block, kind) {
  const {name} = kKinds[kind];
  const points = block[kind].sample.map(([cosine, ratio, output]) => ({
    x: cosine,
    y: ratio,
    text: `${name}<br>cosine ${number(cosine)}, ratio ${number(ratio)}<br>` +
      `largest output ${number(output)}`,
  }));
  const outputs = block[kind].sample.map(([,, output]) => (output > 0 ? Math.log10(output) : null));
  return pointTrace(name, points, {
    mode: 'markers',
    marker: {...looksOf(kind), opacity: 0.8, color: outputs, coloraxis: 'coloraxis'},
    legendgroup: kind,
    showlegend: false,
  });
}

// The legend's mark of a kind: plotly would draw that of a colour scale in black.
function legendMark(kind) {
  return pointTrace(kKinds[kind].name, [{x: null, y: null, text: ''}], {
    mode: 'markers',
    marker: {...looksOf(kind), color: colour('quiet')},
    legendgroup: kind,
    showlegend: true,
  });
}

function outputColours([low, high]) {
  const marks = logMarks([low, high]).map(Math.log10).filter((at) => at >= low && at <= high);
  return {
    cmin: low,
    cmax: high,
    colorscale: [1, 2, 3].map((step) => [(step - 1) / 2, colour(`height-${step}`)]),
    colorbar: {
      title: {text: 'largest output', side: 'right'},
      thickness: 12,
      outlinewidth: 0,
      tickvals: marks,
      ticktext: marks.map((at) => number(10 ** at)),
    },
  };
}

export function drawGate(container, block, frame) {
  const identity = dots('identity', [{x: 1, y: 1, text: 'the identity'}], {
    hue: 'quiet', symbol: 'cross-thin-open', size: 14, opacity: 1,
  });
  const kinds = ['ordinary', 'spike'].filter((kind) => block[kind].sample.length > 0);
  const marks = [...kinds.map((kind) => gateDots(block, kind)), ...kinds.map(legendMark)];
  return drawPlane(container, 360, [...marks, identity], {
    xaxis: axis('cosine', {range: frame.cosine}),
    yaxis: axis('‖output‖ / ‖input‖', {range: frame.ratio}),
    coloraxis: outputColours(frame.output),
  });
}
