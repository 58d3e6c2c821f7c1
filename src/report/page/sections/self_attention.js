// Self-attention: how much of their attention tokens give themselves.

import {choice, element, figure, paragraph} from '../elements.js';
import {number, percentage} from '../format.js';
import {axis, curve, drawPlane, kKinds, whole} from '../plot.js';
import {registerSection} from '../registry.js';
import {greatest, mean} from '../statistics.js';
import {drawHeadMap} from '../figures/head_map.js';

// Layer by layer the mean over heads of each kind.
function layerMeans(heads) {
  return [...Map.groupBy(heads, ({layer}) => layer)].map(([layer, ofLayer]) => {
    const ofKind = (kind) => mean(ofLayer.map((head) => head[kind]));
    const means = Object.keys(kKinds).map((kind) => [kind, ofKind(kind)]);
    return {layer, ...Object.fromEntries(means)};
  });
}

// -- sentences

function describeLargestDifference(layers, kind) {
  const widest = greatest(layers, (layer) => layer[kind] - layer.ordinary);
  if (!widest) return '';
  const {name} = kKinds[kind];
  return `Their difference from ordinary tokens is largest in layer ${widest.layer}: on average ` +
    `over its heads ${name} give themselves ${percentage(100 * widest[kind])} of their ` +
    `attention, ordinary tokens ${percentage(100 * widest.ordinary)}.`;
}

function describeEarly(layers, kinds) {
  const [first] = layers;
  const means = kinds.map((kind) => `${kKinds[kind].name} ${percentage(100 * first[kind])}`);
  return `In layer ${first.layer}: ${means.join(', ')}.`;
}

function describeSelfAttention({tokens}, layers, kinds, causal) {
  const counts = kinds.map((kind) => `${number(tokens[kind])} ${kKinds[kind].name}`).join(', ');
  const [leading] = kinds.filter((kind) => kind !== 'ordinary');
  const none = tokens.spike === 0 ? ' No spike token is beyond the first position.' : '';
  const compared = leading && kinds.includes('ordinary') ?
    describeLargestDifference(layers, leading) : '';
  const first = causal ? 'The first token of a sequence, which sees no other, gives all of its ' +
    'attention to itself; for the other tokens this share is the mean A[i, i]' :
    'The mean A[i, i] of a token is the attention that it gives itself; first tokens are left out';
  return `${first} (${counts}).${none} ${describeEarly(layers, kinds)} ${compared}`;
}

// -- figures

function drawLayerMeans(container, layers, kinds) {
  const traces = kinds.map((kind) => {
    const {name, hue, symbol} = kKinds[kind];
    const points = layers.map((layer) => ({
      x: layer.layer,
      y: layer[kind],
      text: `${name}, layer ${layer.layer}: ${number(layer[kind])}`,
    }));
    return curve(name, points, {hue, symbol});
  });
  return drawPlane(container, 340, traces, {
    showlegend: true,
    xaxis: axis('layer', whole(layers.at(-1).layer + 1)),
    yaxis: axis('mean A[i, i]', {rangemode: 'tozero'}),
  });
}

function drawSelfMap(container, heads, kind) {
  return drawHeadMap(container, heads, {
    value: (head) => head[kind],
    words: (head) => `${kKinds[kind].name} give themselves ${number(100 * head[kind])} %`,
    title: 'mean A[i, i]',
  });
}

// -- nodes

function selfMapNodes(heads, kinds) {
  let shown = kinds[0];
  const map = figure('self-attention-map', 'Mean self-attention of tokens in every head',
    (container) => drawSelfMap(container, heads, shown));
  const names = kinds.map((kind) => kKinds[kind].name);
  const buttons = choice('Tokens', names, (name) => {
    shown = kinds[names.indexOf(name)];
    map.draw(map);
  });
  return kinds.length > 1 ? [buttons, map] : [map];
}

function selfAttentionNodes(section, {model}) {
  const kinds = ['spike', 'delimiter', 'ordinary'].filter((kind) => section.tokens[kind] > 0);
  if (kinds.length === 0 || section.heads.length === 0)
    return [paragraph('No sequence has a second token, so there is no self-attention to compare.')];
  const layers = layerMeans(section.heads);
  return [
    paragraph(describeSelfAttention(section, layers, kinds, model?.causal !== false)),
    element('h3', {textContent: 'Mean of each layer'}),
    figure('self-attention-layers', 'Mean self-attention of each layer by kind of token',
      (container) => drawLayerMeans(container, layers, kinds)),
    element('h3', {textContent: 'Every head'}),
    ...selfMapNodes(section.heads, kinds),
    paragraph('The attention a token gives itself, without the first tokens of the sequences. ' +
      'Delimiters: punctuation or line breaks alone; some of them may spike.', 'quiet'),
  ];
}

registerSection({
  key: 'self_attention',
  order: 60,
  chapter: 'Self-attention',
  nodes: selfAttentionNodes,
  definitionName: 'Self-attention',
});
