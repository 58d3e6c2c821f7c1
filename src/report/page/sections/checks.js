// Checks: where numbers end, whether they agree with a reference, and what was written.
'use strict';

/* global paragraph, table, number, plural, agree, blockName */
/* exported warnings, kParity, kActivations */

function tellNotFinite(life, points) {
  const states = [
    {state: life.embedding, where: 'in the embedding'},
    ...life.blocks.flatMap((block) => [
      {state: block.output, where: `in the output of ${blockName(block)}`},
      {state: block.hidden_state, where: `after ${blockName(block)}`},
    ]),
  ].filter(({state}) => state.not_finite > 0);
  if (states.length === 0) return '';
  const count = states.reduce((sum, {state}) => sum + state.not_finite, 0);
  return `${plural(count, 'value')} of the hidden states and block outputs ` +
    `${agree(count, 'is', 'are')} NaN or infinite, first ${states[0].where}. ` +
    `Maxima and medians leave ${agree(count, 'it', 'them')} out.${tellPoint(points?.[0])}`;
}

function tellPoint(first) {
  if (!first) return '';
  const place = first.sequence === null ? '' :
    `, [${first.index.join(', ')}] of sequence ${first.sequence}`;
  return ` It begins at ${first.point}${place}: ${number(first.infinite)} infinite, ` +
    `${number(first.nan)} NaN there.`;
}

// What the reader must know before trusting any number of the page.
function warnings({life_cycle: life, not_finite: ill, attention_sinks: sinks, perplexity}) {
  const lost = (sinks?.heads ?? []).filter((head) => head.importance === null).length;
  const heads = `The importance of ${plural(lost, 'head')} is not finite and counts as no sink.`;
  return [
    life ? tellNotFinite(life, ill?.points) : '',
    lost > 0 ? heads : '',
    perplexity?.tokens > 0 && perplexity.perplexity === null ? 'The perplexity is not finite.' : '',
  ].filter(Boolean).join(' ');
}

function activationNodes(activations) {
  const ids = activations.some((tensor) => tensor.name === 'tokens');
  const size = (row) => row.shape.reduce((a, b) => a * b, 1);
  return [
    paragraph(`${plural(activations.length, 'tensor')}, named after the hook points they were ` +
      `taken from${ids ? '; “tokens” holds the token ids' : ''}.`),
    table([
      {title: 'Name', left: true, code: true, value: (row) => row.name, text: (row) => row.name},
      {title: 'Shape', left: true, value: size, text: (row) => row.shape.join(' × ')},
      {title: 'Type', left: true, value: (row) => row.dtype, text: (row) => row.dtype},
    ], activations),
  ];
}

function parityNodes(parity) {
  const bad = parity.points.filter((point) => point.outside > 0);
  const {absolute, relative} = parity.options;
  const point = (row) => row.point;
  const shape = (row) => row.shape.join(' × ');
  const verdict = bad.length === 0 ? 'none differs' :
    `${bad.length} outside the limits, the first of them ${bad[0].point}`;
  return [
    paragraph(`${plural(parity.points.length, 'hook point')} compared, within ${absolute} + ` +
      `${relative} × |reference|: ${verdict}. Error: the largest difference over what is ` +
      'allowed. In the order of the forward pass.'),
    table([
      {title: 'Hook point', left: true, code: true, value: point, text: point},
      {title: 'Shape', left: true, value: (row) => row.shape[0], text: shape},
      {title: 'Error', value: (row) => row.error ?? Infinity},
      {title: 'Largest difference', value: (row) => row.largest_difference ?? Infinity},
      {title: 'Scale', value: (row) => row.scale},
      {title: 'Values outside', value: (row) => row.outside},
    ], parity.points),
  ];
}

const kParity = {key: 'parity', build: parityNodes};
const kActivations = {key: 'activations', build: activationNodes};
