// State norms: the length of the hidden states, spike tokens beside the others.

import {element, figure, paragraph} from '../elements.js';
import {blockName, number} from '../format.js';
import {blockAxis, curve, drawPlane, kKinds, logAxis, logRange} from '../plot.js';
import {registerSection} from '../registry.js';
import {greatest} from '../statistics.js';

function ratioOf({spike, ordinary}) {
  return spike.mean === null || ordinary.mean === null ? NaN : spike.mean / ordinary.mean;
}

function describeNorms({blocks}) {
  const block = greatest(blocks, ratioOf);
  if (!block) return 'There are no spike tokens, so the figure shows ordinary tokens only.';
  return `The hidden states of spike tokens are longest, compared with the others, after ` +
    `${blockName(block)}: a mean norm of ${number(block.spike.mean)}, ` +
    `${number(ratioOf(block), 3)} times that of ordinary tokens ` +
    `(${number(block.ordinary.mean)}).`;
}

function normCurve(blocks, kind) {
  const {name, hue, symbol} = kKinds[kind];
  const points = blocks.map((block) => ({
    x: block.block,
    y: block[kind].mean,
    text: `${blockName(block)}<br>${name}: mean norm ${number(block[kind].mean)}`,
  }));
  return curve(name, points, {hue, symbol});
}

function drawNorms(container, {blocks}) {
  const means = blocks.flatMap(({spike, ordinary}) => [spike.mean, ordinary.mean])
    .filter((value) => value > 0);
  const kinds = ['ordinary', 'spike'].filter((kind) => blocks.some((block) => block[kind].tokens));
  return drawPlane(container, 320, kinds.map((kind) => normCurve(blocks, kind)), {
    showlegend: true,
    xaxis: blockAxis('block', blocks.length),
    yaxis: logAxis('mean of ||h||', {range: logRange(means)}),
  });
}

function normNodes(section) {
  return [
    element('h3', {textContent: 'Norms of the hidden states'}),
    paragraph(describeNorms(section)),
    figure('state-norms', 'Mean L2 norm of the hidden state after each block',
      (container) => drawNorms(container, section)),
  ];
}

registerSection({
  key: 'state_norms',
  order: 11,
  chapterOf: 'life_cycle',
  nodes: normNodes,
  definitionName: 'State norms',
});
