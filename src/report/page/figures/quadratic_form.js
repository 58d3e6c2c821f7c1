// The figures of the weights: norms of all channels, spectra and trigger directions.

import {blockName, number} from '../format.js';
import {
  axis, blockAxis, colour, curve, dots, drawPlane, logAxis, logRange, stepShapes,
} from '../plot.js';
import {drawCosineMap} from './cosine_map.js';

const kLabelsApart = 0.06;  // in powers of ten
const kLabelsOfBlock = 3;
const kTriggersNamed = 24;

// -- norms

// The largest norms of a block, over its median.
function largestNorms({largest_norms: norms, median_norm: median, ...block}) {
  const limit = block.outlier_norm / median;
  return norms.map(([channel, norm]) => ({channel, ratio: norm / median, limit, block}))
    .filter(({ratio}) => ratio > 0);
}

function normDots(name, hue, norms) {
  const points = norms.map(({channel, ratio, block}) => ({
    x: block.block,
    y: ratio,
    text: `channel ${channel}: ${number(ratio)} medians<br>${blockName(block)}`,
  }));
  return dots(name, points, {hue, size: 6, opacity: 0.8});
}

// The lower edge of the band, and the upper one that fills down to it.
function bandTraces(blocks) {
  const edge = (side) =>
    blocks.map(({norm_band: band, median_norm: median}) => band[side] / median);
  const common = {
    x: blocks.map(({block}) => block),
    mode: 'lines',
    hoverinfo: 'skip',
    line: {width: 0},
  };
  return [
    {...common, y: edge(0), showlegend: false},
    {
      ...common,
      name: 'middle 98 % of the channels',
      y: edge(1),
      fill: 'tonexty',
      fillcolor: `${colour('ordinary')}55`,
    },
  ];
}

// The smallest norm of an outlier in each block.
function limitTrace(blocks) {
  const points = blocks.filter(({outlier_norm: limit}) => limit > 0)
    .map(({block, outlier_norm: limit, median_norm: median}) => ({
      x: block, y: limit / median, text: `limit of outliers: ${number(limit / median)} medians`,
    }));
  return curve('limit of outliers', points, {hue: 'ordinary', mode: 'lines', dash: 'dot'});
}

// Labels must not overlap.
function normLabels(outliers) {
  const labels = [];
  for (const [block, forms] of Map.groupBy(outliers, (form) => form.block)) {
    const placed = [];
    for (const {channel, ratio} of [...forms].sort((a, b) => b.ratio - a.ratio)) {
      const y = Math.log10(ratio);
      if (placed.length === kLabelsOfBlock) break;
      if (placed.some((other) => Math.abs(other - y) < kLabelsApart)) continue;
      placed.push(y);
      labels.push({
        x: block, y, text: String(channel), showarrow: false, xshift: -7, xanchor: 'right',
        font: {size: 11},
      });
    }
  }
  return labels;
}

export function drawNorms(container, {blocks}, outliers, life) {
  const shown = blocks.filter(({median_norm: median, norm_band: band}) => median > 0 && band);
  const isOutlier = ({ratio, limit}) => ratio >= limit;
  const norms = shown.flatMap(largestNorms);
  const traces = [
    ...bandTraces(shown),
    normDots('other channels', 'ordinary', norms.filter((norm) => !isOutlier(norm))),
    normDots('outliers', 'spike', norms.filter(isOutlier)),
    limitTrace(shown),
  ];
  return drawPlane(container, 420, traces.filter((trace) => trace.x.length > 0), {
    showlegend: true,
    shapes: stepShapes(life),
    annotations: normLabels(outliers),
    xaxis: blockAxis('feed-forward block', blocks[blocks.length - 1].block),
    yaxis: logAxis('norm / median', {
      range: logRange(traces.flatMap((trace) => trace.y)),
    }),
  });
}

// -- spectra

function spectrumTrace(group, {spectrum, channel, expert, ...block}, first) {
  const {name, hue, symbol} = group;
  const of = expert === undefined ? '' : `, expert ${expert}`;
  const points = spectrum.map((eigenvalue, i) => ({
    x: i + 1,
    y: Math.abs(eigenvalue),
    text: `channel ${channel}${of}: ${number(eigenvalue)}<br>${blockName(block)}`,
  })).filter(({y}) => y > 0);
  return curve(name, points, {
    hue, symbol, size: 4, legendgroup: name, showlegend: first, opacity: 0.8,
  });
}

export function drawSpectra(container, outliers, controls) {
  const groups = [
    [controls, {name: 'controls', hue: 'ordinary', symbol: 'square'}],
    [outliers, {name: 'outliers', hue: 'spike', symbol: 'circle'}],
  ];
  const traces = groups.flatMap(([forms, group]) =>
    forms.map((form, i) => spectrumTrace(group, form, i === 0)));
  return drawPlane(container, 400, traces, {
    xaxis: axis('eigenvalue, by magnitude', {rangemode: 'tozero'}),
    yaxis: logAxis('|eigenvalue|', {range: logRange(traces.flatMap((trace) => trace.y))}),
  });
}

// -- triggers

export function drawTriggers(container, {places, cosines}) {
  const names = places.map(({block, channel}) => `${block} · ${channel}`);
  const ticks = names.length > kTriggersNamed ? {showticklabels: false} : {
    tickvals: names.map((_, i) => i), ticktext: names, tickfont: {size: 11},
  };
  return drawCosineMap(container, cosines, {
    height: 400, title: '|cosine|', names, xaxis: {tickangle: -60, ...ticks}, yaxis: ticks,
  });
}
