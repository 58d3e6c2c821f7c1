// The hidden units that carry channels: how collinear their rows of gate and up are, beside the
// other units of the block.

import {element, figure, paragraph} from '../elements.js';
import {blockName, number, ofAll, plural} from '../format.js';
import {axis, colour, dots, drawPlane} from '../plot.js';
import {quantile} from '../statistics.js';

// Of each form in `field` the super weight with the largest share, and of which form it is.
function carriers(blocks, field) {
  return blocks.flatMap(({[field]: forms, ...block}) => forms
    .filter(({super_weights: weights}) => Number.isFinite(weights?.[0]?.gate_up_cosine))
    .map(({super_weights: [weight], dominance}) => ({...weight, dominance, block})));
}

function groupsOf({blocks, options}) {
  const outliers = carriers(blocks, 'channels');
  const isDominated = ({dominance}) => dominance > options.least_dominance;
  return {
    dominated: outliers.filter(isDominated),
    others: outliers.filter((carrier) => !isDominated(carrier)),
    controls: carriers(blocks, 'controls'),
  };
}

// -- sentences

function beyondOthers(units) {
  return units.filter(({gate_up_cosine: cosine, block}) => cosine > block.other_units.high).length;
}

function verdict(units) {
  const share = beyondOthers(units) / units.length;
  if (share === 1) return 'It holds here';
  if (share === 0) return 'It does not hold here';
  return share >= 0.5 ? 'It holds for most of them here' : 'It holds for few of them here';
}

function describeRows({blocks}, {dominated, others, controls}) {
  const first = dominated.length > 0 ? dominated : others;
  if (first.length === 0) return 'No hidden unit is known to carry an outlier channel.';
  const of = (units, words) => `of the ${words} ${ofAll(beyondOthers(units), units.length)}`;
  const rest = [
    dominated.length > 0 && others.length > 0 ? of(others, 'other outliers') : '',
    controls.length > 0 ? of(controls, 'controls') : '',
  ].filter(Boolean);
  const median = (values) => number(quantile(values, 0.5), 2);
  return 'According to the paper, a channel of high gain is carried by a hidden unit whose rows ' +
    `of gate and up are highly collinear. ${verdict(first)}: of the outliers` +
    `${dominated.length > 0 ? ' with one dominant eigenvalue' : ''}, ` +
    `${ofAll(beyondOthers(first), first.length)} are carried by a unit with a larger |cosine| ` +
    'than 99 % of the other units of the block (median ' +
    `${median(first.map(({gate_up_cosine: cosine}) => cosine))}; other units: ` +
    `${median(blocks.map(({other_units: units}) => units.median))})` +
    `${rest.length > 0 ? `; ${rest.join(', ')}` : ''}.`;
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

function carrierDots(name, carrying, look) {
  const points = carrying.map((unit) => ({
    x: xOf(unit.block),
    y: unit.gate_up_cosine,
    text: `unit ${unit.column} of channel ${unit.row}, ${blockName(unit.block)}<br>` +
      `|cosine| ${number(unit.gate_up_cosine)}, share ${number(unit.share, 2)}`,
  }));
  return dots(name, points, {...look, opacity: 1});
}

function drawRows(container, blocks, {dominated, others, controls}) {
  const traces = [
    ...otherUnits(blocks),
    carrierDots('of a control', controls, {hue: 'ordinary', symbol: 'square-open', size: 8}),
    carrierDots('of another outlier', others, {hue: 'spike', symbol: 'circle-open', size: 8}),
    carrierDots('of an outlier with a dominant eigenvalue', dominated, {hue: 'spike', size: 9}),
  ];
  return drawPlane(container, 400, traces.filter((trace) => trace.x.length > 0), {
    showlegend: true,
    xaxis: axis('', {type: 'category', categoryarray: blocks.map(xOf)}),
    yaxis: axis('|cosine| of gate and up', {range: [-0.03, 1.03]}),
  });
}

export function collinearRowNodes({blocks, options}) {
  const compared = blocks.filter(({other_units: units}) => units);
  if (compared.length === 0) return [];
  const groups = groupsOf({blocks: compared, options});
  return [
    element('h3', {textContent: 'Collinear rows'}),
    paragraph(describeRows({blocks: compared}, groups)),
    figure('collinear-rows', 'Cosines of the gate and up rows of hidden units, block by block',
      (container) => drawRows(container, compared, groups)),
    paragraph('|cosine| of W_gate[i] and W_up[i], the norm’s scale folded in (section 3.1.2 of ' +
      'arXiv 2603.05498). Large dots: the hidden unit i with the largest share of a channel’s ' +
      'leading eigenvalue; bars: the units that carry no outlier.', 'quiet'),
  ];
}
