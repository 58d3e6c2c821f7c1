// What the first norm makes of the embeddings: delimiters, first tokens and spike tokens beside the
// whole vocabulary, and whether the attention of layer 0 agrees.

import {element, figure, panels, paragraph, table} from '../elements.js';
import {number, percentage, tokenName, tokenText} from '../format.js';
import {axis, colour, curve, dots, drawPlane, kKinds, plain} from '../plot.js';
import {registerSection} from '../registry.js';
import {finite, greatest, mean} from '../statistics.js';

// From the lowest row of a figure to the highest.
const kGroups = {
  spike: {name: 'spikes elsewhere', hue: 'spike', symbol: 'circle'},
  first: {name: 'at position 0', hue: 'spike', symbol: 'circle-open'},
  delimiter: {name: 'delimiter', hue: 'delimiter', symbol: 'diamond'},
};
const kMostLabels = 20;  // of delimiters; where there are more, the hover texts name them
const kLabelShifts = [16, 32, 48];  // pixels above the dot, in turns: neighbours must not overlap

// -- sentences

function normName({norm}) {
  return norm === 'embed.ln' ? 'the norm of the embedding' : 'the first norm of layer 0';
}

function isElevated({l2_norm_deciles: deciles, groups: {delimiter}}) {
  return delimiter.l2_norm >= deciles[9];
}

function describeLengths(section) {
  const {l2_norm_deciles: deciles, groups: {delimiter, first}} = section;
  const range = `After ${normName(section)} with its learned scale, the embeddings of the middle ` +
    `80 % of the vocabulary have an L2 norm of ${number(deciles[1], 3)} to ` +
    `${number(deciles[9], 3)}.`;
  const start = Number.isFinite(first.l2_norm_ratio) ?
    ` The tokens at position 0 have ${number(first.l2_norm_ratio, 3)} times the median.` : '';
  if (!Number.isFinite(delimiter.l2_norm_ratio))
    return `${range} The text has no known delimiter to compare with them.${start}`;
  const verdict = isElevated(section) ? 'It is elevated for delimiters, as the paper says' :
    'According to the paper it is elevated for delimiters, but here it is not';
  return `${range} ${verdict}: they have ${number(delimiter.l2_norm_ratio, 3)} times the median ` +
    `of the vocabulary.${start}`;
}

function describeCosines({cosine_deciles: deciles, groups: {delimiter}}) {
  const range = 'The cosine between an embedding and that scale is ' +
    `${number(deciles[1], 2)} to ${number(deciles[9], 2)} for the middle 80 %`;
  if (!Number.isFinite(delimiter.cosine)) return `${range}.`;
  return `${range} and ${number(delimiter.cosine, 2)} for the median delimiter (1: collinear).`;
}

const kVerdicts = {
  elevated: {more: 'In agreement', less: 'Nevertheless'},
  ordinary: {more: 'Nevertheless', less: 'In agreement'},
};

// Layer 0 alone reads what the norm makes of embeddings.
function describeAttention(section, attention) {
  const heads = (attention?.heads ?? []).filter(({layer}) => layer === 0);
  const kind = attention?.tokens.ordinary > 0 ? 'ordinary' : 'spike';
  const [own, others] = ['delimiter', kind].map((group) => mean(heads.map((head) => head[group])));
  if (own === null || others === null || !Number.isFinite(section.groups.delimiter.l2_norm))
    return '';
  const linking = kVerdicts[isElevated(section) ? 'elevated' : 'ordinary'];
  const most = greatest(heads, (head) => head.delimiter - head[kind]);
  return `${own > others ? linking.more : linking.less}, in layer 0 delimiters give themselves ` +
    `${percentage(100 * own)} of their attention and ${kKinds[kind].name} ` +
    `${percentage(100 * others)}, on average over heads; they differ most in head ${most.head}: ` +
    `${percentage(100 * most.delimiter)} and ${percentage(100 * most[kind])}.`;
}

// -- figures

function ofGroup(tokens, group) {
  return tokens.filter(({groups}) => groups.includes(group));
}

function groupDots(group, row, tokens, field) {
  const {name, ...look} = kGroups[group];
  const points = tokens.map((token) => ({
    x: token[field],
    y: row,
    text: `${plain(tokenName(token))}: ${number(token[field])}<br>` +
      `${percentage(token[`${field}_percentile`])} of the vocabulary lie below`,
  }));
  return dots(name, points, {...look, size: 9});
}

function delimiterLabels(row, tokens, field) {
  if (tokens.length > kMostLabels) return [];
  return [...tokens].sort((a, b) => a[field] - b[field]).map((token, i) => ({
    x: token[field],
    y: row,
    text: plain(tokenName(token)),
    showarrow: false,
    yshift: kLabelShifts[i % kLabelShifts.length],
    font: {size: 14},
  }));
}

function middleBand(deciles) {
  return {
    type: 'rect',
    x0: deciles[1],
    x1: deciles[9],
    yref: 'paper',
    y0: 0,
    y1: 1,
    layer: 'below',
    line: {width: 0},
    fillcolor: `${colour('ordinary')}33`,
  };
}

function drawDistribution(container, section, field, title) {
  const deciles = section[`${field}_deciles`];
  const tokens = section.tokens.filter((token) => Number.isFinite(token[field]));
  const groups = Object.keys(kGroups).filter((group) => ofGroup(tokens, group).length > 0);
  const line = deciles.map((x, i) => ({x, y: 0, text: `${10 * i} % lie below ${number(x)}`}));
  const rows = groups.map((group, i) => groupDots(group, i + 1, ofGroup(tokens, group), field));
  const traces = [curve('vocabulary', line, {hue: 'ordinary', symbol: 'line-ns-open'}), ...rows];
  return drawPlane(container, 150 + 50 * traces.length, traces, {
    showlegend: false,
    shapes: [middleBand(deciles)],
    annotations: delimiterLabels(groups.length, ofGroup(tokens, 'delimiter'), field),
    xaxis: axis(title),
    yaxis: axis('', {
      range: [-0.5, groups.length + 1],
      tickvals: traces.map((_, i) => i),
      ticktext: traces.map(({name}) => name),
    }),
  });
}

// -- nodes

function tokenTable(tokens) {
  const names = ({groups}) => groups.map((group) => kGroups[group].name).join(', ');
  return table([
    {title: 'Id', value: (row) => row.id, text: (row) => String(row.id)},
    {title: 'Text', left: true, code: true, value: (row) => row.text, text: tokenText},
    {title: 'Group', left: true, value: names, text: names},
    {title: 'L2 norm', value: (row) => row.l2_norm},
    {title: 'Percentile', value: (row) => row.l2_norm_percentile},
    {title: 'Cosine', value: (row) => row.cosine},
    {title: 'Percentile of the cosine', value: (row) => row.cosine_percentile},
  ], ['delimiter', 'first', 'spike'].flatMap((group) =>
    tokens.filter(({groups}) => groups[0] === group)));
}

function firstNormNodes(section, {self_attention: attention}) {
  const {l2_norm_deciles: lengths, cosine_deciles: cosines, tokens} = section;
  if (finite(lengths).length !== 11) return [];
  const lengthFigure = figure('first-norm-lengths', 'L2 norm of embeddings after the first norm',
    (container) => drawDistribution(container, section, 'l2_norm', 'L2 norm'));
  const cosineFigure = figure('first-norm-cosines', 'Cosine of embeddings with the first scale',
    (container) => drawDistribution(container, section, 'cosine', 'cosine'));
  return [
    element('h3', {textContent: 'Embeddings after the first norm'}),
    paragraph(`${describeLengths(section)} ${describeCosines(section)} ` +
      describeAttention(section, attention)),
    panels(['L2 norm', lengthFigure],
      ...(finite(cosines).length === 11 ? [['Cosine with the scale', cosineFigure]] : [])),
    paragraph('Marks: the vocabulary by tenths, and tokens of the text; band: the middle 80 % of ' +
      'the vocabulary. According to the paper (section 3.1.3) a delimiter attends to itself in ' +
      'early heads because its embedding is nearly collinear with the scale, which makes its ' +
      'normed embedding long.', 'quiet'),
    ...(tokens.length > 0 ? [tokenTable(tokens)] : []),
  ];
}

registerSection({
  key: 'first_norm',
  order: 62,
  chapterOf: 'self_attention',
  nodes: firstNormNodes,
  definitionName: 'First norm',
});
