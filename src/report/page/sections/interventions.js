// Interventions: what the model does when one thing in it is changed.
'use strict';

/* global element, paragraph, figure, table, number, percentage, listed, plural, colour */
/* global axis, curve, drawPlane, logAxis, logRange, pointTrace, kLegendBelow, kCurves */
/* exported kInterventions */

const kRuinous = 10;  // times the clean perplexity: the model is broken
const kHarmless = 1.15;
const kFarthest = 1e9;  // times the clean perplexity: the figure ends there

// -- sentences

function times(row, clean) {
  return row.perplexity === null ? Infinity : row.perplexity / clean.perplexity;
}

function tellRuin(changed, clean) {
  const named = (rows) => listed(rows.map(({name}) => name), 12);
  const ruined = changed.filter((row) => times(row, clean) >= kRuinous);
  const spared = changed.filter((row) => times(row, clean) <= kHarmless);
  const parts = [
    ruined.length > 0 ? `More than ${kRuinous} times as large: ${named(ruined)}.` : '',
    spared.length > 0 ? `At most ${number(100 * (kHarmless - 1))} % larger: ${named(spared)}.` : '',
  ];
  return parts.filter(Boolean).join(' ');
}

// Where attention is not finite there is no ratio.
function hasFewer({sink_ratio_percent: ratio}, clean, times) {
  return ratio !== null && ratio < clean.sink_ratio_percent / times;
}

// Sinks gone with the spike still there, or the other way round.
function tellDecoupling(changed, clean) {
  const keepsSpike = ({spike}) => spike > clean.spike / 2 && spike < clean.spike * 2;
  const sinkless = changed.filter((row) => hasFewer(row, clean, 10));
  const withSpike = sinkless.filter(keepsSpike);
  if (withSpike.length === 0) return '';
  return `Without sinks at key 0 the spike remains under ${listed(withSpike.map(({name}) => name), 12)}: ` +
    `${number(withSpike[0].spike)} (clean ${number(clean.spike)}).`;
}

// Where key 0 is no sink any more, and the next one is instead.
function tellMoved(changed, clean) {
  const moved = changed.filter((row) => row.next_key === 1 &&
    hasFewer(row, clean, 2) &&
    row.next_sink_ratio_percent > clean.sink_ratio_percent / 2);
  return moved.length === 0 ? '' :
    `The sink moves to the next key under ${listed(moved.map(({name}) => name), 12)}: it is not gone.`;
}

function tellNorms({name, norms}) {
  if (norms.length === 0) return '';
  const errors = norms.map(({error}) => error);
  const worst = Math.max(...errors);
  const least = Math.min(...errors);
  return `${name}: ${plural(norms.length, 'norm')} fitted, off by ${percentage(100 * least)} to ` +
    `${percentage(100 * worst)} of what was there.`;
}

function tellInterventions(rows) {
  const [clean, ...changed] = rows;
  const [low, high] = clean.interval;
  return `The model as it is has a perplexity of ${number(clean.perplexity)} ` +
    `(95 %: ${number(low)} to ${number(high)}, over ${plural(clean.tokens, 'token')}). ` +
    `${tellRuin(changed, clean)} ${tellDecoupling(changed, clean)} ${tellMoved(changed, clean)}`;
}

// -- figures

function drawPerplexities(container, rows) {
  const end = kFarthest * rows[0].perplexity;
  const drawn = (value) => Math.min(value, end);
  const known = rows.filter(({perplexity}) => perplexity !== null).reverse();
  const trace = pointTrace('perplexity', known.map((row) => ({
    x: drawn(row.perplexity),
    y: row.name,
    text: `${row.name}: ${number(row.perplexity)} (${row.interval.map((end) => number(end)).join(' to ')})`,
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

// What changes that the model survives cost at each position, the dearest first.
function drawLosses(container, rows) {
  const [clean, ...changed] = rows;
  const survived = changed.filter((row) => times(row, clean) < kRuinous)
    .sort((a, b) => b.perplexity - a.perplexity).slice(0, kCurves.length);
  const traces = survived.map(({name, by_position: losses}, index) => {
    const [hue, symbol, dash] = kCurves[index % kCurves.length];
    const points = losses.map(({first, last, loss}, place) => ({
      x: (first + last) / 2,
      y: loss - clean.by_position[place].loss,
      text: `${name}, positions ${first} to ${last}: ${number(loss - clean.by_position[place].loss)} nats`,
    }));
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
  const spike = ({spike: magnitude, spike_place: place}) => (place ?
    `${number(magnitude)} (channel ${place.channel}, block ${place.block})` : '–');
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
    paragraph(tellInterventions(rows)),
    interventionTable(rows),
    paragraph('Perplexity with a percentile bootstrap over sequences; sink ratio “gu” of key 0, ' +
      'and of key 1 or, after a prefix, of the text’s first token; spike: the largest |h| after any block; KL: of the predictions of the clean model from ' +
      'those of the changed one, mean over tokens. – is no finite number.', 'quiet'),
    paragraph(rows.map(tellNorms).filter(Boolean).join(' '), 'quiet'),
    figure('intervention-perplexity', 'Perplexity under each intervention',
      (container) => drawPerplexities(container, rows)),
    element('h3', {textContent: 'What it costs by position'}),
    figure('intervention-losses', 'Mean loss by position beyond that of the clean model',
      (container) => drawLosses(container, rows)),
  ];
}

function shortInterventions(rows) {
  const [clean, ...changed] = rows;
  return tellRuin(changed, clean) && `Perplexity, changed one thing at a time: ${tellRuin(changed, clean)}`;
}

const kInterventions = {key: 'interventions', build: interventionNodes, short: shortInterventions};
