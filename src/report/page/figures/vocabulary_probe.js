// The figures of the vocabulary probe: largest magnitudes, and cosines with the trigger.

import {blockName, number, plural} from '../format.js';
import {axis, bars, blockAxis, colour, curve, drawPlane, logAxis, logRange} from '../plot.js';

// An entry spikes from here on.
export function probeThreshold({spike, options}) {
  return Math.max(options.least_share * (spike ?? 0), options.least_magnitude);
}

function magnitudeBars(name, hue, bins) {
  const points = bins.map(({from, to, count}) => ({
    x: (from + to) / 2,
    y: count,
    text: `${number(from)} to ${number(to)}: ${count.toLocaleString('en')}`,
  }));
  return bars(name, points, {hue, width: bins.map(({from, to}) => to - from)});
}

// `values`: those that the axis of magnitudes must include.
export function drawMagnitudes(container, probe, values) {
  const limit = probeThreshold(probe);
  const spikes = ({from, to}) => Math.sqrt(from * to) >= limit;
  const count = Math.max(...probe.magnitudes.map((bin) => bin.count));
  return drawPlane(container, 340, [
    magnitudeBars('no spike', 'ordinary', probe.magnitudes.filter((bin) => !spikes(bin))),
    magnitudeBars('spike', 'spike', probe.magnitudes.filter(spikes)),
  ].filter((trace) => trace.x.length > 0), {
    showlegend: true,
    barmode: 'overlay',
    shapes: [{
      type: 'line',
      x0: limit,
      x1: limit,
      yref: 'paper',
      y0: 0,
      y1: 1,
      line: {color: colour('quiet'), width: 1.5, dash: 'dot'},
      name: `limit: ${number(limit)}`,
      showlegend: true,
    }],
    xaxis: logAxis('largest |h| of an entry', {range: logRange(values)}),
    yaxis: logAxis('entries', {range: [-0.3, Math.log10(count) + 0.2]}),
  });
}

function courseCurve(course, field, name, look) {
  const known = course.filter((state) => Number.isFinite(state[field].mean));
  const points = known.map((state) => ({
    x: state.block,
    y: state[field].mean,
    text: `${name}, ${blockName(state)}<br>cosine ${number(state[field].mean)} ± ` +
      `${number(state[field].standard_deviation, 2)}`,
  }));
  const array = known.map((state) => state[field].standard_deviation);
  const color = colour(look.hue);
  return curve(name, points, {...look, error_y: {array, thickness: 1, width: 2, color}});
}

export function drawTriggerCourse(container, {course, later}) {
  const traces = [
    courseCurve(course, 'state', 'stream, first token', {hue: 'spike'}),
    courseCurve(course, 'output', 'block output, first token',
      {hue: 'spike', dash: 'dot', symbol: 'circle-open'}),
  ];
  if (later?.course.length > 0) {
    const name = `stream, after ${plural(later.position, 'token')}`;
    traces.push(courseCurve(later.course, 'state', name, {hue: 'ordinary', symbol: 'square'}));
  }
  return drawPlane(container, 340, traces.filter((trace) => trace.x.length > 0), {
    showlegend: true,
    xaxis: blockAxis('block (0 = embedding)', course[course.length - 1].block, 0),
    yaxis: axis('cosine with the trigger'),
  });
}
