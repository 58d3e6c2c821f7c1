// Attention sinks: which heads give the watched key much attention.
'use strict';

/* global element, paragraph, figure, table, number, percentage, plural, agree, ofAll, rangesOf */
/* global tokenName */
/* global drawSinkMap, drawLearnedMap */
/* exported kAttentionSinks */

function tellSinks({heads, sink_heads: sinks, key, epsilon}) {
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

// What stands at the watched key, and what other keys were watched.
function tellKeys({key, keys = []}) {
  const own = keys.find((watched) => watched.key === key);
  const others = keys.filter((watched) => watched.key !== key).map((watched) =>
    `${watched.key < 0 ? 'Each sequence’s last key' : `Key ${watched.key}`} has ` +
    `${plural(watched.sink_heads, 'sink head')}.`);
  const [first] = own?.tokens ?? [];
  const stands = !first ? '' : own.tokens.length === 1 ? `Key ${key} is always ` +
    `${tokenName(first)}.` : `Most often key ${key} is ${tokenName(first)} ` +
    `(${number(first.count)} of ${plural(own.sequences, 'sequence')}).`;
  return [stands, ...others].filter(Boolean).join(' ');
}

function shortSinks({heads, sink_heads: sinks, key}) {
  if (heads.length === 0) return '';
  return `${ofAll(sinks.length, heads.length, 'heads')} are sink heads of key ${key}.`;
}

function tellLearned(learned) {
  const mean = learned.reduce((sum, {mass}) => sum + mass, 0) / learned.length;
  const most = learned.reduce((a, b) => (b.mass > a.mass ? b : a));
  return 'Each head of this model has a learned sink logit, which takes attention and gives ' +
    `nothing for it: ${percentage(100 * mean)} on average, ${percentage(100 * most.mass)} in ` +
    `head ${most.head} of layer ${most.layer}.`;
}

function sinkMapNodes(sinks) {
  const map = figure('sink-map', 'Importance of the key in every layer and head',
    (container) => drawSinkMap(container, sinks));
  return [
    paragraph(`${tellSinks(sinks)} ${tellKeys(sinks)}`),
    map,
    paragraph(`Colour: the attention that key ${sinks.key} receives, averaged over the queries ` +
      `that may see it and over ${plural(sinks.sequences, 'sequence')}. Bars: the share of each ` +
      'layer’s heads that are sink heads.', 'quiet'),
  ];
}

function learnedNodes({learned}) {
  if (!learned) return [];
  const map = figure('learned-map', 'What each head gives its learned sink',
    (container) => drawLearnedMap(container, learned));
  return [element('h3', {textContent: 'Learned sinks'}), paragraph(tellLearned(learned)), map];
}

function sinkHeadNodes({sink_heads: heads, epsilon}) {
  if (heads.length === 0) return [];
  const percent = (row) => 100 * row.share_of_sequences;
  return [
    element('h3', {textContent: 'Sink heads'}),
    paragraph(`${plural(heads.length, 'head')} whose mean importance exceeds ε = ${epsilon}. ` +
      'Share: how many of the sequences exceed ε on their own.'),
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
    paragraph(`No sequence is long enough to hold key ${sinks.key}.`),
    ...learnedNodes(sinks),
  ];
}

const kAttentionSinks = {key: 'attention_sinks', build: sinkNodes, short: shortSinks};
