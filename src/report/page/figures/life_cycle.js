// The figure of the life cycle: the largest magnitudes after each block and in its output.

import {blockName, number} from '../format.js';
import {blockAxis, colour, drawPlane, logAxis, logRange, positive, stepShapes} from '../plot.js';

export const kCoursesDrawn = 6;

function topTraces(blocks, states) {
  const names = ['largest', '2nd largest', '3rd largest'];
  const count = Math.max(0, ...states.map((state) => state.top.length));
  return Array.from({length: count}, (_, rank) => {
    const hover = states.map((state, i) => {
      const peak = state.top[rank];
      if (!peak) return '';
      return `channel ${peak.channel}: ${number(peak.magnitude)}<br>${blockName(blocks[i])}` +
        `<br>sequence ${peak.sequence}, position ${peak.position}`;
    });
    return {
      name: names[rank] ?? `${rank + 1}th largest`,
      x: blocks.map((block) => block.block),
      y: states.map((state) => positive(state.top[rank]?.magnitude)),
      text: hover,
      hovertemplate: '%{text}<extra></extra>',
      mode: 'lines+markers',
      line: {color: colour(`rank-${Math.min(rank, 2) + 1}`), width: rank === 0 ? 1.5 : 1},
      marker: {
        size: rank === 0 ? 7 : 5,
        symbol: blocks.map((block) => (block.kind === 'attention' ? 'circle-open' : 'circle')),
      },
    };
  });
}

function medianTrace(blocks, states) {
  return {
    name: 'median',
    x: blocks.map((block) => block.block),
    y: states.map((state) => positive(state.median)),
    hovertemplate: 'median %{y:.4g}<extra></extra>',
    mode: 'lines',
    line: {color: colour('quiet'), width: 1.5, dash: 'dash'},
  };
}

function courseTraces(blocks, courses, field) {
  return courses.slice(0, kCoursesDrawn).map((course, i) => ({
    name: `channel ${course.channel}`,
    x: blocks.map((block) => block.block),
    y: course[field].map(positive),
    hoverinfo: 'skip',
    legendrank: 1500,
    mode: 'lines',
    opacity: 0.55,
    line: {color: colour(`course-${i + 1}`), width: 7},
  }));
}

// One range for both panels: from the smallest median to the largest magnitude.
function magnitudeRange(life) {
  const ofBlocks = life.blocks.flatMap((block) => [block.hidden_state, block.output]);
  return logRange([life.embedding, ...ofBlocks]
    .flatMap((state) => [state.median, state.top[0]?.magnitude]));
}

// `field` is "hidden_state" or "output".
export function drawLifeCycle(container, life, field) {
  const hidden = field === 'hidden_state';
  const start = hidden ? [{block: 0, kind: 'embedding'}] : [];
  const blocks = [...start, ...life.blocks];
  const states = [...(hidden ? [life.embedding] : []), ...life.blocks.map((block) => block[field])];
  const traces = [
    ...courseTraces(blocks, life.courses, field),
    ...topTraces(blocks, states),
    medianTrace(blocks, states),
  ];
  return drawPlane(container, 460, traces, {
    shapes: stepShapes(life),
    xaxis: blockAxis(hidden ? 'after block (0 = embedding)' : 'block', life.blocks.length,
      hidden ? 0 : 1),
    yaxis: logAxis(hidden ? 'magnitude in the hidden state' : 'magnitude in the block output', {
      range: magnitudeRange(life),
    }),
  });
}
