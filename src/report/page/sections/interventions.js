// Interventions: what the model does when one thing in it is changed.

import {element, figure, paragraph, table} from '../elements.js';
import {listed, number, percentage, plural} from '../format.js';
import {
  axis, colour, curve, drawPlane, kCurves, kLegendBelow, logAxis, logRange, pointTrace,
} from '../plot.js';
import {registerSection} from '../registry.js';

const kBroken = 10;  // times the clean perplexity: the model is broken
const kHarmless = 1.15;
const kFarthest = 1e9;  // times the clean perplexity: the figure ends there

// -- sentences

function times(row, clean) {
  return row.perplexity === null ? Infinity : row.perplexity / clean.perplexity;
}

function named(rows) {
  return listed(rows.map(({name}) => name), 12);
}

function describeDamage(changed, clean) {
  const broken = changed.filter((row) => times(row, clean) >= kBroken);
  const unharmed = changed.filter((row) => times(row, clean) <= kHarmless);
  const parts = [
    broken.length > 0 ? `Perplexity more than ${kBroken} times as large: ${named(broken)}.` : '',
    unharmed.length > 0 ?
      `At most ${number(100 * (kHarmless - 1))} % larger: ${named(unharmed)}.` : '',
  ];
  return parts.filter(Boolean).join(' ');
}

// Where attention is not finite there is no ratio.
function hasFewer({sink_ratio_percent: ratio}, clean, times) {
  return ratio !== null && ratio < clean.sink_ratio_percent / times;
}

// Sinks gone with the spike still there, or the other way round.
function describeDecoupling(changed, clean) {
  const keepsSpike = ({spike}) => spike > clean.spike / 2 && spike < clean.spike * 2;
  const sinkless = changed.filter((row) => hasFewer(row, clean, 10));
  const withSpike = sinkless.filter(keepsSpike);
  if (withSpike.length === 0) return '';
  return `Without sinks at key 0 the spike remains under ${named(withSpike)}: ` +
    `${number(withSpike[0].spike)} (clean ${number(clean.spike)}).`;
}

// Where key 0 is no sink any more, and the next one is instead.
function describeMoved(changed, clean) {
  const moved = changed.filter((row) => row.next_key === 1 &&
    hasFewer(row, clean, 2) &&
    row.next_sink_ratio_percent > clean.sink_ratio_percent / 2);
  return moved.length === 0 ? '' :
    `The sink moves to the next key under ${named(moved)}: it does not vanish.`;
}

function describeNorms({name, norms}) {
  if (norms.length === 0) return '';
  const errors = norms.map(({error}) => error);
  const worst = Math.max(...errors);
  const least = Math.min(...errors);
  return `${name}: ${plural(norms.length, 'norm')} fitted, with a relative error of ` +
    `${percentage(100 * least)} to ${percentage(100 * worst)}.`;
}

function describeInterventions(rows) {
  const [clean, ...changed] = rows;
  const [low, high] = clean.interval;
  return `The unchanged model has a perplexity of ${number(clean.perplexity)} ` +
    `(95 % interval: ${number(low)} to ${number(high)}, over ${plural(clean.tokens, 'token')}). ` +
    [describeDamage, describeDecoupling, describeMoved]
      .map((describe) => describe(changed, clean)).join(' ');
}

// -- figures

function drawPerplexities(container, rows) {
  const end = kFarthest * rows[0].perplexity;
  const drawn = (value) => Math.min(value, end);
  const known = rows.filter(({perplexity}) => perplexity !== null).reverse();
  const trace = pointTrace('perplexity', known.map((row) => ({
    x: drawn(row.perplexity),
    y: row.name,
    text: `${row.name}: ${number(row.perplexity)} ` +
      `(${row.interval.map((limit) => number(limit)).join(' to ')})`,
  })), {
    mode: 'markers',
    marker: {
      color: colour('ordinary'),
      size: 9,
      symbol: known.map(({perplexity}) => (perplexity > end ? 'triangle-right' : 'circle')),
    },
    error_x: {
      type: 'data',
      symmetric: false,
      array: known.map((row) => drawn(row.interval[1]) - drawn(row.perplexity)),
      arrayminus: known.map((row) => drawn(row.perplexity) - drawn(row.interval[0])),
      color: colour('ordinary'),
    },
  });
  const values = known.flatMap(({perplexity, interval}) => [perplexity, ...interval].map(drawn));
  return drawPlane(container, 90 + 26 * known.length, [trace], {
    showlegend: false,
    margin: {l: 190, r: 16, t: 10, b: 48},
    xaxis: logAxis('perplexity, with 95 % interval', {range: logRange(values)}),
    yaxis: {type: 'category', tickfont: {size: 12}, automargin: true},
  });
}

// The loss at each position beyond the clean model's, for interventions that do not break it.
function drawLosses(container, rows) {
  const [clean, ...changed] = rows;
  const usable = changed.filter((row) => times(row, clean) < kBroken)
    .sort((a, b) => b.perplexity - a.perplexity).slice(0, kCurves.length);
  const traces = usable.map(({name, by_position: losses}, index) => {
    const [hue, symbol, dash] = kCurves[index % kCurves.length];
    const points = losses.map(({first, last, loss}, i) => {
      const more = loss - clean.by_position[i].loss;
      const text = `${name}, positions ${first} to ${last}: ${number(more)} nats`;
      return {x: (first + last) / 2, y: more, text};
    });
    return curve(name, points, {hue, symbol, dash, size: 4});
  });
  return drawPlane(container, 460, traces, {
    showlegend: true,
    legend: {...kLegendBelow, y: -0.18},
    xaxis: axis('position', {rangemode: 'tozero'}),
    yaxis: axis('loss beyond the clean model’s, nats', {}),
  });
}

// -- nodes

function interventionTable(rows) {
  const interval = ({interval: [low, high]}) => `${number(low)} – ${number(high)}`;
  const spike = ({spike: magnitude, spike_place: at}) => (at ?
    `${number(magnitude)} (channel ${at.channel}, block ${at.block})` : '–');
  return table([
    {title: 'Intervention', left: true, value: (row) => row.name, text: (row) => row.name},
    {title: 'Perplexity', value: (row) => row.perplexity},
    {title: '95 % interval', value: (row) => row.interval[0], text: interval},
    {
      title: 'Sink ratio',
      value: (row) => row.sink_ratio_percent,
      text: (row) => percentage(row.sink_ratio_percent),
    },
    {
      title: 'At the next key',
      value: (row) => row.next_sink_ratio_percent,
      text: (row) => percentage(row.next_sink_ratio_percent),
    },
    {title: 'Spike', value: (row) => row.spike, text: spike},
    {title: 'KL, nats', value: (row) => row.kl},
  ], rows);
}

function interventionNodes(rows) {
  return [
    paragraph(describeInterventions(rows)),
    interventionTable(rows),
    paragraph('Perplexity with a percentile bootstrap over sequences; sink ratio “gu” of key 0, ' +
      'and of key 1 or, after a prefix, of the text’s first token; spike: the largest |h| after ' +
      'any block; KL: of the predictions of the clean model from ' +
      'those of the changed one, mean over tokens. –: not a finite number.', 'quiet'),
    paragraph(rows.map(describeNorms).filter(Boolean).join(' '), 'quiet'),
    figure('intervention-perplexity', 'Perplexity under each intervention',
      (container) => drawPerplexities(container, rows)),
    element('h3', {textContent: 'Loss by position'}),
    figure('intervention-losses', 'Mean loss by position beyond that of the clean model',
      (container) => drawLosses(container, rows)),
  ];
}

function summariseInterventions(rows) {
  const [clean, ...changed] = rows;
  return describeDamage(changed, clean);
}

registerSection({
  key: 'interventions',
  order: 110,
  chapter: 'Interventions',
  nodes: interventionNodes,
  summary: summariseInterventions,
});
