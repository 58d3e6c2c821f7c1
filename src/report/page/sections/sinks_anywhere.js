// Sinks anywhere: which keys of the text are sinks of some head, by position and by token.

import {element, figure, paragraph, table} from '../elements.js';
import {agree, listed, number, ofAll, plural, tokenName, tokenText} from '../format.js';
import {axis, bars, drawPlane, logAxis, whole} from '../plot.js';
import {registerSection} from '../registry.js';

function describePositions({positions, heads, place_count: count, sequences, options}) {
  const [most] = positions;
  const all = Math.round(sequences * heads.reduce((sum, head) => sum + (head.sinks ?? 0), 0));
  return `If every key is watched, ${plural(count, 'token')} of the text ` +
    `${agree(count, 'is a sink', 'are sinks')} of some head (importance above ` +
    `${options.epsilon}): ${number(count / sequences, 3)} per sequence. Position ` +
    `${most.position} has ${ofAll(most.count, all)} of all (sequence, layer, head) with a ` +
    `sink, in ${ofAll(most.sequences, sequences, 'sequences')}.`;
}

function describeSinkTokens({tokens}) {
  const away = tokens.filter((token) => !token.at_start);
  if (away.length === 0) return 'No token beyond position 0 is a sink.';
  const names = away.map((token) =>
    `${tokenName(token)} (${number(token.places)} of ${plural(token.occurrences, 'occurrence')})`);
  return `Beyond position 0 they are ${listed(names, 4)}.`;
}

function drawSinkPositions(container, positions) {
  const points = positions.map(({position, count, sequences}) => ({
    x: position,
    y: count,
    text: `position ${position}: ${number(count)} (sequence, layer, head)<br>in ` +
      `${plural(sequences, 'sequence')}`,
  }));
  const last = Math.max(...positions.map(({position}) => position));
  return drawPlane(container, 320, [bars('sinks', points, {hue: 'sink', width: 0.85})], {
    xaxis: axis('position', {range: [-0.7, last + 0.7], ...whole(last)}),
    yaxis: logAxis('(sequence, layer, head)', {
      range: [-0.3, Math.log10(Math.max(...positions.map(({count}) => count))) + 0.2],
    }),
  });
}

function positionNodes({positions}) {
  if (positions.length < 2) return [];
  return [
    figure('sink-positions', 'How often each position is a sink',
      (container) => drawSinkPositions(container, positions)),
    paragraph('The number of (sequence, layer, head) in which each position is a sink; ' +
      'logarithmic.', 'quiet'),
  ];
}

const kIdColumns = [
  {title: 'Id', value: (row) => row.id, text: (row) => String(row.id)},
  {title: 'Text', left: true, code: true, value: (row) => row.text, text: tokenText},
];

function sinkTokenTable(tokens) {
  const start = (row) => (row.at_start ? 'yes' : 'no');
  return table([
    ...kIdColumns,
    {title: 'At position 0', left: true, value: start, text: start},
    {title: 'Occurrences that are sinks', value: (row) => row.places},
    {title: 'Of all occurrences', value: (row) => row.occurrences},
    {title: '(Sequence, layer, head)', value: (row) => row.count},
  ], tokens);
}

function positionTable(places) {
  return table([
    ...kIdColumns,
    {title: 'Sequence', value: (row) => row.sequence},
    {title: 'Position', value: (row) => row.position},
    {title: 'Heads with a sink there', value: (row) => row.heads},
  ], places);
}

function anywhereNodes(section) {
  const title = element('h3', {textContent: 'Sinks anywhere'});
  if (section.place_count === 0 || section.positions.length === 0) {
    const {epsilon, least_queries: least} = section.options;
    return [title, paragraph(`No key that ${least} queries may see receives more than ` +
      `${epsilon} of their attention in any head.`)];
  }
  const shown = section.places.length;
  return [
    title,
    paragraph(`${describePositions(section)} ${describeSinkTokens(section)}`),
    ...positionNodes(section),
    element('h3', {textContent: 'Tokens that are sinks'}),
    sinkTokenTable(section.tokens),
    element('h3', {textContent: 'Token positions that are sinks'}),
    positionTable(section.places),
    ...(shown < section.place_count ? [paragraph(`The ${number(shown)} positions with ` +
      'the most heads are listed.', 'quiet')] : []),
  ];
}

registerSection({
  key: 'sinks_anywhere',
  order: 92,
  chapterOf: 'attention_sinks',
  nodes: anywhereNodes,
  definitionName: 'Sinks anywhere',
});
