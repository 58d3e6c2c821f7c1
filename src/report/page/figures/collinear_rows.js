// The hidden units that carry channels: how collinear their rows of gate and up are, beside the
// other units of the block.

import {element, figure, paragraph} from '../elements.js';
import {agree, blockName, number, ofAll, plural} from '../format.js';
import {axis, colour, dots, drawPlane} from '../plot.js';
import {quantile} from '../statistics.js';

// The super weights of the forms in `field`, the largest share of each first.
function weightsOf(blocks, field) {
  return blocks.map(({[field]: forms, ...block}) => forms.map(({super_weights: weights = []}) =>
    weights.map((weight) => ({...weight, block})))).flat();
}

// -- sentences

function describeRows(blocks) {
  const leading = weightsOf(blocks, 'channels').map(([weight]) => weight)
    .filter((weight) => Number.isFinite(weight?.gate_up_cosine));
  if (leading.length === 0) return 'No hidden unit carries an outlier channel.';
  const beyond = leading.filter(({gate_up_cosine: cosine, block}) =>
    cosine > block.other_units.high).length;
  const verdict = beyond === leading.length ? ', and so it is here' :
    beyond === 0 ? ', but not here' : '. It is so here only in part';
  const median = (values) => number(quantile(values, 0.5), 2);
  return 'According to the paper, the hidden unit that carries an outlier channel has nearly ' +
    `collinear rows of gate and up${verdict}: of the units with the largest share of an ` +
    `outlier, ${ofAll(beyond, leading.length)} ${agree(beyond, 'has', 'have')} a larger |cosine| ` +
    'than 99 % of the other units of the block (median ' +
    `${median(leading.map(({gate_up_cosine: cosine}) => cosine))}; of the others ` +
    `${median(blocks.map(({other_units: others}) => others.median))}).`;
}

// -- figure

function xOf({block}) {
  return `block ${block}`;
}

function otherUnits(blocks) {
  const known = blocks.filter(({other_units: others}) => others.median !== null);
  const points = known.map((block) => ({
    x: xOf(block),
    y: block.other_units.median,
    text: `${blockName(block)}: ${plural(block.other_units.units, 'other unit')}<br>` +
      `median ${number(block.other_units.median)}, middle 98 %: ` +
      `${number(block.other_units.low)} to ${number(block.other_units.high)}`,
  }));
  const largest = known.map((block) => ({
    x: xOf(block),
    y: block.other_units.largest,
    text: `largest of the other units: ${number(block.other_units.largest)}`,
  }));
  const look = {hue: 'ordinary', opacity: 1};
  return [
    {
      ...dots('middle 98 % of the other units', points, look),
      error_y: {
        type: 'data',
        symmetric: false,
        array: known.map(({other_units: {high, median}}) => high - median),
        arrayminus: known.map(({other_units: {low, median}}) => median - low),
        color: colour('ordinary'),
        thickness: 3,
      },
    },
    dots('largest of them', largest, {...look, symbol: 'x-thin-open', size: 9}),
  ];
}

function carryingUnits(name, blocks, field, look) {
  const points = weightsOf(blocks, field).flat().map((weight) => ({
    x: xOf(weight.block),
    y: weight.gate_up_cosine,
    text: `unit ${weight.column} of channel ${weight.row}, ${blockName(weight.block)}<br>` +
      `|cosine| ${number(weight.gate_up_cosine)}, share ${number(weight.share, 2)}`,
  }));
  return dots(name, points, look);
}

function drawRows(container, blocks) {
  const traces = [
    ...otherUnits(blocks),
    carryingUnits('carry a control', blocks, 'controls', {hue: 'ordinary', symbol: 'square-open'}),
    carryingUnits('carry an outlier', blocks, 'channels', {hue: 'spike', size: 9}),
  ];
  return drawPlane(container, 380, traces.filter((trace) => trace.x.length > 0), {
    showlegend: true,
    xaxis: axis('', {type: 'category'}),
    yaxis: axis('|cosine| of gate and up', {range: [-0.03, 1.03]}),
  });
}

export function collinearRowNodes({blocks}) {
  const compared = blocks.filter(({other_units: others}) => others);
  if (compared.length === 0) return [];
  return [
    element('h3', {textContent: 'Collinear rows'}),
    paragraph(describeRows(compared)),
    figure('collinear-rows', 'Cosines of the gate and up rows of hidden units, block by block',
      (container) => drawRows(container, compared)),
    paragraph('Each dot is a hidden unit i: |cosine| of W_gate[i] and W_up[i], with the scale of ' +
      'the norm folded in. It carries a channel with one of ' +
      'the largest shares of its leading eigenvalue (section 3.1.2 of arXiv 2603.05498).', 'quiet'),
  ];
}
