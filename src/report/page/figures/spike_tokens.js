// The figures of the spike tokens: when and where they spike, and in which ratios.

import {blockName, number, ofAll, plural} from '../format.js';
import {axis, bars, blockAxis, colour, curve, drawPlane, stepShapes, whole} from '../plot.js';

// How often a token spikes, and how often it was seen, beyond position 0.
export function elsewhere({spiking, seen, spiking_first: spikingFirst, seen_first: seenFirst}) {
  return {spiking: spiking - spikingFirst, seen: seen - seenFirst};
}

const kPairsDrawn = 6;

export function drawSpikesByBlock(container, {states, tokens}, life) {
  const points = states.map((state) => ({
    x: state.block,
    y: state.tokens,
    text: `${blockName(state)}: ${ofAll(state.tokens, tokens, 'tokens')}`,
  }));
  return drawPlane(container, 320, [bars('spike tokens', points, {hue: 'spike', width: 0.85})], {
    shapes: stepShapes(life),
    xaxis: blockAxis('after block', states[states.length - 1].block),
    yaxis: axis('spike tokens', {rangemode: 'tozero'}),
  });
}

export function drawSpikesByPosition(container, positions) {
  const points = positions.map(({position, spiking, seen}) => ({
    x: position,
    y: (100 * spiking) / seen,
    text: `position ${position}: ${ofAll(spiking, seen, 'sequences')}`,
  }));
  return drawPlane(container, 320, [bars('spike tokens', points, {hue: 'spike', width: 0.85})], {
    xaxis: axis('position', {rangemode: 'tozero', ...whole(points[points.length - 1].x)}),
    yaxis: axis('share that spikes, %', {range: [0, 104]}),
  });
}

function pairTrace([name, pairs], i) {
  const points = pairs.map((pair) => ({
    x: pair.block,
    y: pair.mean,
    text: `channel ${pair.channel} over channel ${pair.reference}: ${number(pair.mean)} ± ` +
      `${number(pair.standard_deviation, 2)}<br>after block ${pair.block}, ` +
      `${plural(pair.count, 'token')}`,
  }));
  const spread = pairs.map((pair) => pair.standard_deviation);
  return curve(name, points, {
    hue: `course-${i + 1}`,
    error_y: {array: spread, thickness: 1, width: 2, color: colour(`course-${i + 1}`)},
  });
}

export function drawPairs(container, states) {
  const all = states.flatMap(({block, pairs}) => pairs.map((pair) => ({...pair, block})))
    .filter((pair) => Number.isFinite(pair.mean));
  const byName = Map.groupBy(all, (pair) => `${pair.channel} / ${pair.reference}`);
  const total = (pairs) => pairs.reduce((sum, {count}) => sum + count, 0);
  const most = [...byName].sort((a, b) => total(b[1]) - total(a[1])).slice(0, kPairsDrawn);
  return drawPlane(container, 360, most.map(pairTrace), {
    showlegend: true,
    xaxis: blockAxis('after block', states[states.length - 1].block),
    yaxis: axis('ratio of the two channels', {rangemode: 'tozero'}),
  });
}
