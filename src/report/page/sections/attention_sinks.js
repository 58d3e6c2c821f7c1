// Attention sinks: which heads give the watched key much attention.

import {element, figure, keyFigure, paragraph, table} from '../elements.js';
import {agree, number, ofAll, percentage, plural, rangesOf, tokenName} from '../format.js';
import {registerSection} from '../registry.js';
import {drawLearnedMap, drawSinkMap} from '../figures/attention_sinks.js';

function describeSinks({heads, sink_heads: sinks, key, epsilon}) {
  const limit = `key ${key} a mean importance above ε = ${epsilon}`;
  if (sinks.length === 0) return `No head gives ${limit}.`;
  const layers = [...new Set(heads.map((head) => head.layer))];
  const sinksOf = (layer) => sinks.filter((head) => head.layer === layer).length;
  const headsOf = (layer) => heads.filter((head) => head.layer === layer).length;
  const full = layers.filter((layer) => sinksOf(layer) === headsOf(layer));
  const bare = layers.filter((layer) => sinksOf(layer) === 0);
  const where = [
    full.length > 0 ? `every head of ${rangesOf('layer', full)}` : '',
    bare.length > 0 ? `none of ${rangesOf('layer', bare)}` : '',
  ].filter(Boolean).join('; ');
  return `${number(sinks.length)} of ${plural(heads.length, 'head')} ` +
    `${agree(sinks.length, 'gives', 'give')} ${limit} (outlined)${where && `: ${where}`}.`;
}

// Which token is at the watched key, and which other keys were watched.
function describeKeys({key, keys = []}) {
  const own = keys.find((watched) => watched.key === key);
  const others = keys.filter((watched) => watched.key !== key).map((watched) =>
    `${watched.key < 0 ? 'Each sequence’s last key' : `Key ${watched.key}`} has ` +
    `${plural(watched.sink_heads, 'sink head')}.`);
  const [first] = own?.tokens ?? [];
  const token = !first ? '' : own.tokens.length === 1 ? `Key ${key} is always ` +
    `${tokenName(first)}.` : `Most often key ${key} is ${tokenName(first)} ` +
    `(${number(first.count)} of ${plural(own.sequences, 'sequence')}).`;
  return [token, ...others].filter(Boolean).join(' ');
}

function summariseSinks({heads, sink_heads: sinks, key}) {
  if (heads.length === 0) return '';
  return `${ofAll(sinks.length, heads.length, 'heads')} are sink heads of key ${key}.`;
}

// What the paper's definition counts: its ratio, and where its sinks are.
function describePaper({paper, ratios, epsilon}) {
  if (paper.sinks === 0) {
    return `By the paper’s definition (eqs. 27 and 28) no head has a sink above ε = ${epsilon} ` +
      `in the first ${plural(paper.length, 'token')}.`;
  }
  const first = paper.positions.find(({position}) => position === 0)?.count ?? 0;
  const others = paper.tokens_beyond_first.slice(0, 5).map((token) =>
    `${tokenName(token)} (${number(token.count)})`);
  const away = first === paper.sinks ? 'All of its sinks are at position 0.' :
    `${percentage(100 * first / paper.sinks)} of its sinks are at position 0, the others most ` +
    `often on ${others.join(', ')}.`;
  return `By the paper’s definition (eqs. 27 and 28) ${percentage(ratios.paper)} of the heads ` +
    `sink in the first ${plural(paper.length, 'token')}; by “gu”, at key 0 alone, ` +
    `${percentage(ratios.gu)}. ${away}`;
}

function describeLearned(learned) {
  const mean = learned.reduce((sum, {mass}) => sum + mass, 0) / learned.length;
  const most = learned.reduce((a, b) => (b.mass > a.mass ? b : a));
  return 'Each head of this model has a learned sink logit, which absorbs attention and ' +
    `adds no value: ${percentage(100 * mean)} on average, ${percentage(100 * most.mass)} in ` +
    `head ${most.head} of layer ${most.layer}.`;
}

function sinkMapNodes(sinks) {
  const map = figure('sink-map', 'Importance of the key in every layer and head',
    (container) => drawSinkMap(container, sinks));
  return [
    paragraph(describePaper(sinks)),
    paragraph(`${describeSinks(sinks)} ${describeKeys(sinks)}`),
    map,
    paragraph(`Colour: the attention that key ${sinks.key} receives, averaged over the queries ` +
      `that may see it and over ${plural(sinks.sequences, 'sequence')}. Bars: the share of each ` +
      'layer’s heads that are sink heads.', 'quiet'),
  ];
}

function learnedNodes({learned}) {
  if (!learned) return [];
  const map = figure('learned-map', 'Attention of each head to its learned sink',
    (container) => drawLearnedMap(container, learned));
  return [element('h3', {textContent: 'Learned sinks'}), paragraph(describeLearned(learned)), map];
}

function sinkHeadNodes({sink_heads: heads, epsilon}) {
  if (heads.length === 0) return [];
  const percent = (row) => 100 * row.share_of_sequences;
  return [
    element('h3', {textContent: 'Sink heads'}),
    paragraph(`${plural(heads.length, 'head')} whose mean importance exceeds ε = ${epsilon}. ` +
      'Share: the fraction of sequences that exceed ε on their own.'),
    table([
      {title: 'Layer', value: (row) => row.layer},
      {title: 'Head', value: (row) => row.head},
      {title: 'Key', value: (row) => row.key},
      {title: 'Importance', value: (row) => row.importance},
      {title: 'Share of sequences, %', value: percent},
    ], [...heads].sort((a, b) => b.importance - a.importance)),
  ];
}

function sinkNodes(sinks) {
  if (sinks.heads.length > 0)
    return [...sinkMapNodes(sinks), ...learnedNodes(sinks), ...sinkHeadNodes(sinks)];
  return [
    paragraph(`No sequence is long enough to have key ${sinks.key}.`),
    ...learnedNodes(sinks),
  ];
}

// -- header and definitions

function sinkKeyFigures({definition, key, epsilon, ratios, sink_ratio_percent: percent}) {
  const note = `definition “${definition}”, ε = ${epsilon}; “gu”, key ${key}: ` +
    percentage(ratios.gu);
  return [keyFigure('Sink ratio', percentage(percent), note)];
}

function warnOfUnknownHeads({heads}) {
  const unknown = heads.filter((head) => head.importance === null).length;
  return unknown === 0 ? '' :
    `The importance of ${plural(unknown, 'head')} is not finite and counts as no sink.`;
}

function sinkDefinitions({definitions, ratios}) {
  const ofRatios = Object.entries(ratios).map(([name, percent]) =>
    [`Sink ratio “${name}” = ${percentage(percent)}`, definitions[name]]);
  return [['Importance of a key', definitions.importance], ...ofRatios];
}

registerSection({
  key: 'attention_sinks',
  order: 90,
  chapter: 'Attention sinks',
  nodes: sinkNodes,
  summary: summariseSinks,
  keyFigures: sinkKeyFigures,
  warning: warnOfUnknownHeads,
  definitions: sinkDefinitions,
});
